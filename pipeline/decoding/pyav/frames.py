"""Read the frames of a stream with PyAV, past damaged data, and know what was lost before each."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, TypeAlias

import av

from pipeline.decoding.display import plausible_ratio
from pipeline.decoding.pyav.demuxer import may_start_anywhere
from pipeline.decoding.pyav.packet_fates import PacketFates
from pipeline.decoding.pyav.packets import PacketReader
from pipeline.decoding.pyav.times import NumberedFrame, RateTimes, SlotTimes, frame_times

if TYPE_CHECKING:
    from collections.abc import Iterator
    from fractions import Fraction

    from av.container import InputContainer

    from pipeline.decoding.evidence import GapEvidence

# A longer gap counts as a loss only if the file has bytes for it: the clock was set otherwise.
# FFmpeg's program takes the same number of seconds for a jump (dts_delta_threshold).
_LONGEST_GAP_MS = 10_000
_SMALLEST_SHARE_OF_BYTES = 0.25
# AVI has no times that tell which frame is due. Few of its videos hold back more frames.
_LONGEST_DELAY_OF_AVI = 4
# Frames come at most so many packets after their own.
_KEPT_PACKETS = 64


@dataclass(frozen=True, slots=True)
class ReadFrame:
    """A decoded frame.

    Attributes:
        frame: the frame.
        position_ms: milliseconds after the start of the stream, exact; None if it has no time.
        evidence: what is known of the time between it and the frame before it.
    """

    frame: av.VideoFrame
    position_ms: Fraction | None
    evidence: GapEvidence


Outcome: TypeAlias = "ReadFrame | None"
"""A frame; None: a packet cannot be read or decoded."""


@dataclass(frozen=True, slots=True)
class _Packet:
    pts: int | None
    place: int  # of its first byte in the file


class FrameReader:
    """Reads the frames of one stream in presentation order.

    Attributes:
        has_ended: whether the last frame was returned, and nothing comes any more.
        packets: the packets, and what is known of the end of the file.
        ratio_changes_ms: milliseconds after the first frame from which on, or a few frames later,
            pixels have another ratio; None if they have not.
    """

    def __init__(self, container: InputContainer, stream: av.VideoStream) -> None:
        self.has_ended = False
        self.packets = PacketReader(container, stream)
        self.ratio_changes_ms: Fraction | None = None
        self._first: tuple[Fraction, Fraction] | None = None  # ratio and position
        self._container = container
        self._stream = stream
        self._times = frame_times(container, stream)
        self._fates = self._new_fates()
        self._decoding: dict[int, _Packet] = {}
        self._number = 0
        self._skipped = 0
        self._last: tuple[Fraction, int] | None = None  # position and place of the last frame
        self._ahead: deque[Outcome] = deque()
        self._outcomes = self._decode()

    def next(self) -> Outcome:
        """Return the next frame; None if a packet cannot be read or decoded, and at the end."""
        if self._ahead:
            return self._ahead.popleft()
        for outcome in self._outcomes:
            return outcome
        self.has_ended = True
        return None

    def peek(self) -> av.VideoFrame | None:
        """Return the frame that `next` will return."""
        if not self._ahead:
            self._ahead.extend(islice(self._outcomes, 1))
        return self._ahead[0].frame if self._ahead and self._ahead[0] else None

    def next_read(self) -> ReadFrame | None:
        """Return the next frame, which may come after packets that fail; None at the end."""
        found = next(filter(None, self._ahead), None)
        while found is None:
            outcomes = list(islice(self._outcomes, 1))
            if not outcomes:
                return None
            self._ahead += outcomes
            found = outcomes[0]
        return found

    def seek(self, ticks: int) -> None:
        """Go to the last key frame at or before a stream time, in units of the time base."""
        self._settle()
        self._ahead.clear()
        self._decoding.clear()
        self._times.restart()
        self.packets.restart()
        self._fates = self._new_fates()
        self._last = None
        with suppress(av.FFmpegError):
            self._container.seek(ticks, stream=self._stream)
        self._outcomes = self._decode()

    def decode_alone(self, position_ms: float) -> None:
        """Decode only the packet of the frame at a position, after a seek to it or before it."""
        self._outcomes = self._decode_one(position_ms)

    @property
    def ratio(self) -> Fraction:
        """Width to height of a pixel, as the decoder, which is a few frames ahead, has it."""
        return plausible_ratio(self._stream.codec_context.sample_aspect_ratio)

    def packet_ms(self, packet: av.Packet[av.VideoStream]) -> Fraction | None:
        """Return the position of the frame of a packet that is not decoded; None if unknown."""
        return self._times.packet_ms(packet)

    def close(self) -> None:
        """Stop decoding, and free the frames that were read ahead. Then the container is closed."""
        self._settle()
        self._ahead.clear()

    @property
    def slots(self) -> int:
        """Number of frames up to the last packet, with those that the index of an AVI has more."""
        skipped = self._times.skipped if isinstance(self._times, SlotTimes) else 0
        return self.packets.count + skipped

    @property
    def lost_at_end(self) -> int:
        """Number of packets after the last frame that gave none because of damage."""
        return self._fates.end()

    @property
    def is_damaged_at_end(self) -> bool:
        """Whether there is damage at the last frame or after it."""
        return self._fates.is_damaged_at_end

    def _new_fates(self) -> PacketFates:
        ticks_per_second = float(1 / (self._stream.time_base or 1))
        if isinstance(self._times, SlotTimes):
            return PacketFates(ticks_per_second, longest_delay=_LONGEST_DELAY_OF_AVI)
        # The first packets can be between two key frames.
        starts_anywhere = may_start_anywhere(self._container)
        return PacketFates(ticks_per_second, starts_anywhere=starts_anywhere)

    def _settle(self) -> None:
        """Wait until the decoder's threads have nothing more to do.

        To flush or free a decoder, FFmpeg waits for its threads, and PyAV holds Python's lock
        meanwhile. A thread that logs needs this lock, so both would wait for ever.
        """
        context = self._stream.codec_context
        if context.is_open:
            with suppress(av.FFmpegError):
                context.decode(None)

    def _decode(self) -> Iterator[Outcome]:
        context = self._stream.codec_context
        for packet in self.packets:
            if self.packets.take_damage():
                self._fates.damage(self._number + 1)
            if packet is None:
                yield None
                continue
            self._add(packet)
            self._fates.overwritten(self._number, self.packets.take_overwritten())
            try:
                frames = context.decode(packet)
                if self.packets.take_complaint():
                    self._fates.complaint(self._number)
                for frame in frames:
                    yield self._read(frame)
            except av.FFmpegError:
                self._fates.damage(self._number)
                yield None
            if self.packets.take_complaint():
                self._fates.complaint(self._number)
        if self.packets.take_damage():
            self._fates.damage(self._number + 1)
        with suppress(av.FFmpegError):
            for frame in context.decode(None):
                yield self._read(frame)

    def _decode_one(self, position_ms: float) -> Iterator[Outcome]:
        for packet in self.packets:
            found_ms = None if packet is None else self._times.packet_ms(packet)
            if packet is None or found_ms is None or self.packets.take_damage():
                return
            if float(found_ms) == position_ms:
                break
            if packet.dts is not None and packet.is_keyframe and found_ms > position_ms:
                return
        else:
            return
        self._add(packet)
        context = self._stream.codec_context
        with suppress(av.FFmpegError):
            frames = [*context.decode(packet), *context.decode(None)]
            if not self.packets.take_complaint():
                yield from map(self._read, frames)

    def _add(self, packet: av.Packet[av.VideoStream]) -> None:
        """Number a packet. Its number takes the place of its time, so that its frame is known."""
        self._number += 1
        self._decoding[self._number] = _Packet(packet.pts, self.packets.place)
        self._times.add_packet(self._number, packet)
        # An edit list leaves out the frames of the packets that it marks.
        if not packet.is_discard:
            has_slots = isinstance(self._times, SlotTimes)
            self._fates.add(self._number, None if has_slots else packet.pts)
        packet.pts = self._number

    def _read(self, frame: av.VideoFrame) -> ReadFrame:
        number = frame.pts
        if number is None:  # of the last frames, some decoders have forgotten it
            number = self._fates.oldest or self._number
        packet = self._decoding.get(number)
        frame.pts = None if packet is None else packet.pts
        if frame.is_corrupt:
            self._fates.damage(number)
        evidence = self._fates.frame(number)
        ticks = frame.dts if frame.pts is None else frame.pts
        position_ms = self._times.frame_ms(
            NumberedFrame(number, ticks, frame.duration or 0, evidence.may_miss)
        )
        place = packet.place if packet else self.packets.place
        if isinstance(self._times, SlotTimes):
            skipped = self._times.skipped - self._skipped
            self._skipped += skipped
            evidence = replace(evidence, lost=evidence.lost + skipped, may_miss=False)
        elif evidence.may_miss and position_ms is not None:
            evidence = replace(evidence, may_miss=self._may_miss(position_ms, place))
        if position_ms is not None:
            self._last = position_ms, place
            self._note_ratio(position_ms)
        if len(self._decoding) > 2 * _KEPT_PACKETS:
            kept = number - _KEPT_PACKETS
            self._decoding = {key: each for key, each in self._decoding.items() if key >= kept}
        return ReadFrame(frame, position_ms, evidence)

    def _note_ratio(self, position_ms: Fraction) -> None:
        """Note where the decoder, which is a few frames ahead, finds another ratio of pixels."""
        ratio = self.ratio
        first_ratio, first_ms = self._first = self._first or (ratio, position_ms)
        if ratio != first_ratio and self.ratio_changes_ms is None:
            self.ratio_changes_ms = position_ms - first_ms

    def _may_miss(self, position_ms: Fraction, place: int) -> bool:
        """Tell whether packets may be missing before a frame, where the data is damaged."""
        if self.packets.is_listed or isinstance(self._times, RateTimes):
            return False
        if self._last is None:
            return True
        last_ms, last_place = self._last
        gap_ms = position_ms - last_ms
        if gap_ms <= _LONGEST_GAP_MS or last_ms <= 0:
            return True
        return (place - last_place) / gap_ms >= _SMALLEST_SHARE_OF_BYTES * last_place / last_ms
