"""Read the packets of a stream with PyAV, past damaged data, and note where data is damaged."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, cast

import av
import av.logging
from av.bitstream import BitStreamFilterContext

from pipeline.decoding.pyav.demuxer import has_no_times, may_start_anywhere

if TYPE_CHECKING:
    from collections.abc import Iterator
    from fractions import Fraction

    from av.container import InputContainer
    from av.packet import Packet
    from av.stream import Stream

    AnyPacket: TypeAlias = Packet[Stream]

# After so many failed reads in a row, the video has ended.
_FAILED_READS_AT_END = 1000
# Filters that read the length of each unit in a packet of mp4 or Matroska, and refuse wrong ones.
_CHECKERS = {"h264": "h264_mp4toannexb", "hevc": "hevc_mp4toannexb"}


# A packet does not begin with so many zeros, unless it is a raw image or was overwritten.
_HEAD_BYTES = 32
# More bytes than this between two packets, of whatever stream, belong to no packet. MXF fills up
# blocks, and has parts of its index between packets: of less than the largest packet.
_MOST_BYTES_BETWEEN = 256


class PacketReader:
    """Iterates over the packets of one stream. None stands for some that cannot be read.

    Attributes:
        place: where the last packet ends in the file, in bytes.
        furthest: where the packet ends that is the last one in the file.
        is_mxf: whether the container is MXF.
        largest: size of the largest packet of the stream, in bytes.
        count: number of packets, with those that are empty.
    """

    def __init__(self, container: InputContainer, stream: av.VideoStream) -> None:
        self.place = self.furthest = self.largest = 0
        self.count = 0
        self._container = container
        self._stream = stream
        self._checker = _checker(stream)
        self._ends: dict[int, tuple[int, Fraction]] = {}  # of each stream: end and time base
        self._errors = _errors_logged()
        self._is_damaged = False
        self._has_complained = False
        self.is_mxf = container.format.name == "mxf"
        self._is_raw = has_no_times(container)
        self._bytes = 0  # of the packets of the stream, without zeros that overwrote others
        self._overwritten = 0
        # In mp4 sound and images may be far from each other, and ASF has packets of its own.
        is_packed = container.format.name in {"mov", "asf"}
        # Between packets of transport and program streams there is more than packets.
        self._has_stuffing = is_packed or may_start_anywhere(container)

    def __iter__(self) -> Iterator[av.Packet[av.VideoStream] | None]:
        failed = 0
        packets = self._container.demux()
        while failed < _FAILED_READS_AT_END:
            try:
                packet = next(packets)
            except StopIteration:
                self._note_logged_errors()
                return
            except av.FFmpegError:
                failed += 1
                packets = self._container.demux()
                if self._is_at_end:
                    self._errors = _errors_logged()
                elif failed == 1:
                    self._is_damaged = True
                    yield None
                continue
            self._is_damaged |= failed > 0 and packet.size > 0  # without data: at the end
            failed = 0
            self._note_logged_errors()
            video = self._note(packet)
            if video is not None:
                yield video

    @property
    def is_listed(self) -> bool:
        """Whether the container lists each packet, so that none can be missing between others."""
        return self.is_mp4 and self._stream.frames > 0

    @property
    def unread(self) -> int:
        """Number of packets in the container's index that were not read."""
        if not self.is_mp4:
            return 0
        return max(0, len(self._stream.index_entries) - self.count)

    @property
    def end_seconds(self) -> float:
        """Time on the container's clock at which the last packet of any stream ends."""
        return max((float(end * base) for end, base in self._ends.values()), default=0.0)

    @property
    def _is_at_end(self) -> bool:
        """Whether no packet can follow. Some demuxers fail there, at their own mark of the end."""
        return self._container.size - self.furthest <= _MOST_BYTES_BETWEEN

    @property
    def most_between(self) -> int:
        """More bytes than this between two packets belong to no packet."""
        return max(_MOST_BYTES_BETWEEN, self.largest if self.is_mxf else 0)

    @property
    def is_mp4(self) -> bool:
        """Whether the container is mp4 or one of its kin."""
        return "mov" in self._container.format.name

    def restart(self) -> None:
        """Forget where the last packet was: after a seek, the next one is elsewhere."""
        self.place = 0
        self._is_damaged = False

    def take_damage(self) -> bool:
        """Tell whether the container was found damaged since the last call."""
        is_damaged, self._is_damaged = self._is_damaged, False
        return is_damaged

    def is_well_formed(self, packet: av.Packet[av.VideoStream]) -> bool:
        """Tell whether the lengths in a packet are right, as far as that shows without decoding."""
        if packet.is_corrupt or not any(memoryview(packet)[:_HEAD_BYTES]):
            return False
        if self._checker is None:
            return True
        try:
            self._checker.filter(av.Packet(bytes(packet)))  # a copy, because the filter empties it
        except av.FFmpegError:
            return False
        return True

    def take_overwritten(self) -> int:
        """Return how many packets were overwritten with zeros since the last call, or so."""
        overwritten, self._overwritten = self._overwritten, 0
        return overwritten

    def take_complaint(self) -> bool:
        """Tell whether the decoder logged an error since the last call."""
        self._note_logged_errors()
        has_complained, self._has_complained = self._has_complained, False
        return has_complained

    def _period(self, packet: AnyPacket) -> int:
        """Return the nominal time between frames of the stream, in units of its time base."""
        rate, base = self._stream.average_rate, packet.time_base
        is_video = packet.stream_index == self._stream.index
        return round(1 / (rate * base)) if is_video and rate and base else 0

    def _note_logged_errors(self) -> None:
        before, self._errors = self._errors, _errors_logged()
        if self._errors == before:
            return
        _, last = av.logging.get_last_error()
        is_demuxer = last is not None and self._container.format.name in last[1].split(",")
        self._is_damaged |= is_demuxer
        self._has_complained |= not is_demuxer

    def _note_place(self, packet: AnyPacket) -> None:
        """Note where a packet is, and whether bytes before it belong to none."""
        if packet.pos is None or packet.pos < 0:
            return
        between = packet.pos - self.place
        if self.place and not self._has_stuffing:
            self._is_damaged |= between > self.most_between
        self.place = packet.pos + packet.size
        self.furthest = max(self.furthest, self.place)

    def _note_zeros(self, packet: AnyPacket) -> None:
        """Note the size of a packet, and packets that were overwritten behind its data.

        In a stream without a container, they are a part of the packet. Encoders fill up packets
        with zeros, too, but not with more than the largest packet has.
        """
        row = 0
        if self._is_raw and self.largest and packet.size > self.largest:
            rest = bytes(packet).partition(bytes(self.largest + 1))
            row = len(rest[1]) + len(rest[2]) - len(rest[2].lstrip(b"\0"))
            self._overwritten += round(row * (self.count - 1) / self._bytes)
        self._bytes += packet.size - row
        self.largest = max(self.largest, packet.size - row)

    def _note(self, packet: AnyPacket) -> av.Packet[av.VideoStream] | None:
        """Note what a packet tells; return it if it has data of the stream."""
        time = packet.dts if packet.pts is None else packet.pts
        if time is None and not packet.size:  # PyAV's own, at the end
            return None
        if time is not None and packet.time_base:
            index, end = packet.stream_index, time + (packet.duration or self._period(packet))
            before = self._ends.get(index)
            self._ends[index] = max(end, before[0] if before else end), packet.time_base
        self._note_place(packet)
        if packet.stream_index != self._stream.index:
            return None
        self.count += 1
        self._note_zeros(packet)
        # An empty packet stands for a frame that repeats the one before it. PyAV would take it
        # for the end.
        if not packet.size:
            return None
        self._is_damaged |= packet.is_corrupt
        return cast("av.Packet[av.VideoStream]", packet)


def _errors_logged() -> int:
    """Return how many errors FFmpeg has logged in this process. PyAV counts those it hides."""
    return int(av.logging.get_last_error()[0])


def _checker(stream: av.VideoStream) -> BitStreamFilterContext | None:
    """Return a filter that refuses damaged packets of a stream; None if there is none for it."""
    context = stream.codec_context
    # Codec data that begin with 1 say that packets hold units with lengths.
    if not (context.extradata or b"").startswith(b"\1") or context.name not in _CHECKERS:
        return None
    return BitStreamFilterContext(_CHECKERS[context.name], stream)
