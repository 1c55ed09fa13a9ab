"""The times of all frames of a video by its packets, and which ones are key frames."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from array import array
    from fractions import Fraction


@dataclass(frozen=True)
class PacketPlaces:
    """Where the packet of each frame lies in the file, in bytes, by frame index.

    Attributes:
        starts: offset of its first byte.
        ends: offset of the byte after it.
    """

    starts: array[int]
    ends: array[int]

    def range_of(self, first: int, last: int) -> tuple[int, int]:
        """Return the bytes from the packet of one frame to those of all up to another frame."""
        return self.starts[first], max(self.ends[first : last + 1])


@dataclass(frozen=True)
class PacketIndex:
    """The frames of an undamaged video in presentation order.

    Attributes:
        times_ms: stream time of each frame, as the decoder will report it, ascending.
        key_frames: frame indexes of the key frames, ascending; the first is 0.
        seconds_short: time from the last packet to the end that the header gives.
        places: where the packets are; None if unknown, as the packets themselves were read.
    """

    times_ms: array[float]
    key_frames: array[int]
    seconds_short: float = 0.0
    places: PacketPlaces | None = None

    def index_at(self, position_ms: Fraction | None) -> int | None:
        """Return the index of the frame at exactly this stream time; None if there is none."""
        if position_ms is None:
            return None
        stream_ms = float(position_ms)
        index = bisect_left(self.times_ms, stream_ms)
        is_found = index < len(self.times_ms) and self.times_ms[index] == stream_ms
        return index if is_found else None

    @property
    def count(self) -> int:
        """Number of frames."""
        return len(self.times_ms)

    def pts_ms(self, index: int) -> float:
        """Return a frame's presentation time in milliseconds after the first frame."""
        return round(self.times_ms[index] - self.times_ms[0], 3)

    def first_at_or_after(self, pts_ms: float) -> int:
        """Return the index of the first frame at or after a presentation time; `count` if none."""
        first_ms = self.times_ms[0]
        return bisect_left(self.times_ms, pts_ms, key=lambda time_ms: round(time_ms - first_ms, 3))

    def last_at_or_before(self, pts_ms: float) -> int:
        """Return the index of the last frame at or before a presentation time, which is not < 0."""
        first_ms = self.times_ms[0]
        after = bisect_right(
            self.times_ms, pts_ms, key=lambda time_ms: round(time_ms - first_ms, 3)
        )
        return after - 1

    @property
    def longest_key_frame_ms(self) -> float:
        """Longest time from a key frame to the next one, or to the last frame."""
        times_ms = [self.times_ms[index] for index in (*self.key_frames, self.count - 1)]
        return max(later - earlier for earlier, later in pairwise(times_ms))

    def key_frame_before(self, index: int) -> int:
        """Return the index of the last key frame at or before a frame."""
        return self.key_frames[bisect_right(self.key_frames, index) - 1]
