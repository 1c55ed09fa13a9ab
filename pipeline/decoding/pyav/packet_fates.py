"""Know of each packet whether it became a frame.

A packet that gave no frame is no loss in itself: hidden frames, the second field of a frame, and
frames before the first key frame give none either. It is one if the data is damaged around it, and
it has a time of its own.
"""

from __future__ import annotations

from collections import deque

from pipeline.decoding.evidence import GapEvidence

# Decoders hold back at most 16 frames, and each of their threads one.
_LONGEST_DELAY = 48
# Frames that a decoder sorts are less far apart. If more, the clock was set back between them.
_REORDERING_SECONDS = 1


class PacketFates:
    """Follows packets by their numbers, which count in the order of the file."""

    def __init__(
        self,
        ticks_per_second: float,
        *,
        longest_delay: int = _LONGEST_DELAY,
        starts_anywhere: bool = False,
    ) -> None:
        """Create the fates of no packets.

        Args:
            ticks_per_second: unit of the presentation times.
            longest_delay: a packet that is so many packets older than a frame gives none any more.
            starts_anywhere: whether packets before the first frame may need frames that were never
                in the file, so that they are no loss.
        """
        self._starts_anywhere = starts_anywhere
        self._delay = longest_delay
        self._reordering = ticks_per_second * _REORDERING_SECONDS
        self._pending: dict[int, int | None] = {}
        self._given_up: deque[int] = deque(maxlen=_LONGEST_DELAY)
        self._damages: deque[int] = deque()
        self._complaints: deque[int] = deque()
        self._overwritten: deque[tuple[int, int]] = deque()  # numbers, and how many after each
        self._have_times = False
        self._first = 0  # number of the packet that was added last when the first frame came
        self._last: int | None = None  # number of the last frame
        self._ticks_per_second = ticks_per_second

    def add(self, number: int, ticks: int | None) -> None:
        """Add the next packet, and its presentation time; None: that does not show its order."""
        self._pending[number] = ticks
        self._have_times |= ticks is not None

    def damage(self, number: int) -> None:
        """Note damage in a packet, or between it and the one before it."""
        self._damages.append(number)

    def overwritten(self, number: int, packets: int) -> None:
        """Note that so many packets after one were overwritten."""
        if packets:
            self._overwritten.append((number, packets))

    def complaint(self, number: int) -> None:
        """Note that the decoder logged an error at a packet.

        It also does at the beginning of a recording that was cut out of another one, until all
        frames are there that others need. So a complaint does not count there.
        """
        unsettled = self._first + _LONGEST_DELAY if self._starts_anywhere else self._first
        if self._last is not None and number > unsettled:
            self._complaints.append(number)

    def frame(self, number: int) -> GapEvidence:
        """Note the next frame, and return what is known of the time before it.

        Args:
            number: that of its packet. Of several frames of one packet, the first counts.
        """
        overwritten = self._take_overwritten(number)
        is_late = number in self._given_up
        if is_late:
            self._given_up.remove(number)
        ticks = self._pending.pop(number, None)
        gone = [
            other
            for other, other_ticks in self._pending.items()
            if other < number - self._delay or self._is_before(other, other_ticks, number, ticks)
        ]
        times = [self._pending.pop(other) for other in gone]
        first = min([number if self._last is None else min(self._last, number), *gone])
        is_first, self._last = self._last is None, number
        if is_first:
            self._first = max([number, *self._pending])
        # In transport streams, FFmpeg marks the packet before the damaged one.
        # A packet that needs a lost one is lost with it.
        is_damaged = self._is_damaged_since(first - 1) or first - 1 in self._given_up
        for places in (self._damages, self._complaints):
            while places and places[0] < first - _LONGEST_DELAY:
                places.popleft()
        if not is_damaged or (is_first and self._starts_anywhere):
            return GapEvidence(lost=overwritten, late=int(is_late))
        own_times = [time for time in times if time is not None]
        self._given_up.extend(gone)
        lead = ticks - min(own_times) if is_first and own_times and ticks is not None else 0
        return GapEvidence(
            lost=overwritten + self._count(times),
            late=int(is_late),
            may_miss=not is_first,
            is_damaged=True,
            lead_ms=round(1000 * lead / self._ticks_per_second, 3),
        )

    @property
    def oldest(self) -> int | None:
        """Number of the first packet that gave no frame yet; None if all did."""
        return next(iter(self._pending), None)

    def end(self) -> int:
        """Return how many packets after the last frame gave none because of damage."""
        first = min([self._last or 0, *self._pending])
        is_damaged = self._is_damaged_since(first)
        pending = self._count(list(self._pending.values())) if is_damaged else 0
        return pending + self._take_overwritten(None)

    @property
    def is_damaged_at_end(self) -> bool:
        """Whether there is damage at the last frame or after it."""
        return self._is_damaged_since(self._last or 0)

    def _is_damaged_since(self, number: int) -> bool:
        return any(place >= number for place in (*self._damages, *self._complaints))

    def _take_overwritten(self, number: int | None) -> int:
        """Return how many packets were overwritten before one; all if it is None."""
        packets = 0
        while self._overwritten and (number is None or self._overwritten[0][0] < number):
            packets += self._overwritten.popleft()[1]
        return packets

    def _count(self, times: list[int | None]) -> int:
        """Return how many of some packets have a time of their own; all if none ever has one."""
        return sum(time is not None or not self._have_times for time in times)

    def _is_before(
        self, other: int, other_ticks: int | None, number: int, ticks: int | None
    ) -> bool:
        if ticks is None or other_ticks is None or other_ticks >= ticks:
            return False
        return other < number or ticks - other_ticks < self._reordering
