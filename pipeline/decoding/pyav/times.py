"""The exact position of each frame, by what its container has: times, slots, or only a rate."""

from __future__ import annotations

from bisect import bisect_left, insort
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Protocol

import av

from pipeline.decoding.pyav.demuxer import has_no_times

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.index import IndexEntries

# Bytes before the data of a chunk of AVI. Its index gives the place of either.
_CHUNK_HEADER = 8
# That each frame has at least.
_FIELDS = 2
# That of elementary streams without a rate, in FFmpeg.
_DEFAULT_RATE = Fraction(25)


@dataclass(frozen=True, slots=True)
class NumberedFrame:
    """A decoded frame, as far as its time is concerned.

    Attributes:
        number: that of its packet, in the order of the file.
        ticks: its stream time in units of the time base; None if it has none.
        duration: how long it is shown, in units of the time base; 0 if unknown.
        is_damaged: whether data is damaged there.
    """

    number: int
    ticks: int | None
    duration: int
    is_damaged: bool


class FrameTimes(Protocol):
    """Gives each frame its position: milliseconds after the start of the stream, exact."""

    def add_packet(self, number: int, packet: av.Packet[av.VideoStream]) -> None:
        """Add the next packet, by its number in the order of the file."""

    def frame_ms(self, frame: NumberedFrame) -> Fraction | None:
        """Return the position of the next frame; None if unknown."""

    def packet_ms(self, packet: av.Packet[av.VideoStream]) -> Fraction | None:
        """Return the position of the frame of a packet that is not decoded; None if unknown."""

    def restart(self) -> None:
        """Forget the packets before a seek."""


def frame_times(container: InputContainer, stream: av.VideoStream) -> FrameTimes:
    """Return how the frames of a stream get their positions."""
    base_ms = 1000 * (stream.time_base or Fraction(1, av.time_base))
    if has_no_times(container):
        rate = stream.codec_context.framerate or stream.average_rate or _DEFAULT_RATE
        return RateTimes(rate, base_ms)
    start = stream.start_time or 0
    if container.format.name == "avi":
        reorders = bool(stream.codec_context.has_b_frames)
        return SlotTimes(base_ms, start, stream.index_entries, reorders=reorders)
    return ContainerTimes(base_ms, start)


class ContainerTimes:
    """Presentation times of the container; those of decoding where there are none."""

    def __init__(self, base_ms: Fraction, start: int) -> None:
        """Create the times of a stream.

        Args:
            base_ms: the unit of the stream's times, in milliseconds.
            start: stream time of its start, in units.
        """
        self._base_ms = base_ms
        self._start = start

    def add_packet(self, number: int, packet: av.Packet[av.VideoStream]) -> None:
        """Do nothing: frames have times."""

    def frame_ms(self, frame: NumberedFrame) -> Fraction | None:
        """Return the position of a frame; None if it has no time."""
        return self._ms(frame.ticks)

    def packet_ms(self, packet: av.Packet[av.VideoStream]) -> Fraction | None:
        """Return the position of a packet's frame; None if it has no time."""
        return self._ms(packet.dts if packet.pts is None else packet.pts)

    def restart(self) -> None:
        """Do nothing."""

    def _ms(self, ticks: int | None) -> Fraction | None:
        return None if ticks is None else (ticks - self._start) * self._base_ms


class SlotTimes:
    """Times of AVI: each packet has a slot in the order of the file, and frames take them in turn.

    Frames come in another order than their packets, so the next frame takes the earliest slot that
    is left. After damage, slots of packets that gave no frame are left out: no frame comes more
    places before its packet than one did in undamaged data. FFmpeg counts slots on after damage as
    if nothing was missing, so the index shows which slot a packet really has.

    Attributes:
        skipped: number of slots whose packets could not be read.
    """

    def __init__(
        self, base_ms: Fraction, start: int, entries: IndexEntries, *, reorders: bool
    ) -> None:
        """Create the times of a stream.

        Args:
            base_ms: length of a slot in milliseconds.
            start: the first slot.
            entries: the index of the stream.
            reorders: whether frames come in another order than their packets.
        """
        self._base_ms = base_ms
        self._start = start
        self._entries = entries
        self.skipped = 0
        self._reorders = reorders
        self._slots: list[int] = []  # of packets that gave no frame yet
        self._own: dict[int, int] = {}  # slots of packets by their numbers
        self._was_damaged = False
        self._most_before = 0  # places by which a frame came before its packet

    def add_packet(self, number: int, packet: av.Packet[av.VideoStream]) -> None:
        """Add the slot of the next packet."""
        if packet.dts is not None and not packet.is_discard:
            slot = self._slot(packet, packet.dts)
            insort(self._slots, slot)
            self._own[number] = slot

    def frame_ms(self, frame: NumberedFrame) -> Fraction | None:
        """Return the position of the next frame; None if there are more frames than slots."""
        own = self._own.pop(frame.number, None)
        self._was_damaged |= frame.is_damaged
        if self._was_damaged and own is not None:
            while len(self._slots) > 1 and self._slots[0] < own - self._most_before:
                del self._slots[0]
        if not self._slots:
            return None
        slot = self._slots.pop(0)
        if not self._was_damaged and own is not None:
            self._most_before = max(self._most_before, own - slot)
        return self._ms(slot)

    def packet_ms(self, packet: av.Packet[av.VideoStream]) -> Fraction | None:
        """Return the slot of a packet; None if frames come in another order."""
        return None if self._reorders or packet.dts is None else self._ms(packet.dts)

    def restart(self) -> None:
        """Forget all slots."""
        self._slots.clear()
        self._own.clear()

    def _slot(self, packet: av.Packet[av.VideoStream], dts: int) -> int:
        """Return the slot that the index gives a packet; the one after the last if it has none."""
        slot = dts + self.skipped
        if packet.pos is None or not self._entries:
            return slot
        if not (0 <= slot < len(self._entries) and self._is_at(slot, packet.pos)):
            found = bisect_left(self._entries, packet.pos - _CHUNK_HEADER, key=lambda at: at.pos)
            if found < len(self._entries) and self._is_at(found, packet.pos):
                self.skipped = self._entries[found].timestamp - dts
        return dts + self.skipped

    def _is_at(self, slot: int, place: int) -> bool:
        return self._entries[slot].pos in {place, place - _CHUNK_HEADER}

    def _ms(self, slot: int) -> Fraction:
        return (slot - self._start) * self._base_ms


class RateTimes:
    """Times of an elementary stream, which has none: frame n is at n / rate.

    Of some frames, fields are shown again (soft telecine). Each delays the frames after it by half
    a period.
    """

    def __init__(self, rate: Fraction, base_ms: Fraction) -> None:
        """Create the times of a stream.

        Args:
            rate: frames per second.
            base_ms: the unit of the stream's times, in milliseconds.
        """
        self._field_ms = 500 / rate
        self._base_ms = base_ms
        self._fields = 0

    def add_packet(self, number: int, packet: av.Packet[av.VideoStream]) -> None:
        """Do nothing: frames are counted."""

    def frame_ms(self, frame: NumberedFrame) -> Fraction | None:
        """Return the position of the next frame."""
        position_ms = self._fields * self._field_ms
        shown = round(frame.duration * self._base_ms / self._field_ms)
        self._fields += max(_FIELDS, shown)
        return position_ms

    def packet_ms(self, _packet: av.Packet[av.VideoStream]) -> Fraction | None:
        """Return None: a packet does not tell which frame it is."""
        return None

    def restart(self) -> None:
        """Do nothing: such streams are not seeked in."""
