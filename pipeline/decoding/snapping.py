"""Move samples to key frames, which are decoded without other frames."""

from __future__ import annotations

import math
from bisect import bisect_right
from itertools import pairwise
from typing import TYPE_CHECKING

from pipeline.decoding.targets import PickedTargets, Target

if TYPE_CHECKING:
    from pipeline.decoding.packet_index import PacketIndex
    from pipeline.decoding.sampling import SamplingGrid

# After the end of any video.
_NEVER_MS = 1e15
# Where key frames are further apart, frames between them are sampled too.
MOST_INTERVALS_APART = 2


class KeyFrameTargets:
    """The key frame nearest to each grid point; of two that are as near, the earlier one.

    Where key frames are more than two sampling intervals apart, a grid point that is more than half
    an interval away from both has the sample that `PickedTargets` finds.

    Attributes:
        packets: the times of all frames.
    """

    def __init__(self, packets: PacketIndex, grid: SamplingGrid) -> None:
        """Create the targets of a video.

        Args:
            packets: the times of all frames.
            grid: the sampling grid. Frames before its start are no samples.
        """
        self.packets = packets
        self._picked = PickedTargets(packets, grid)
        self._grid = grid
        self._end_us = _microseconds(packets, packets.count - 1) + 1
        if grid.end_us is not None:
            self._end_us = min(self._end_us, grid.end_us)
        times = ((_microseconds(packets, index), index) for index in packets.key_frames)
        self._keys = [key for key in times if grid.start_us <= key[0] < self._end_us]

    def at(self, point_us: int) -> Target | None:
        """Return the sample of a grid point that has none; None if the video ends before it."""
        if point_us >= self._end_us:
            return None
        after = bisect_right(self._keys, point_us, key=lambda key: key[0])
        leaves_us, takes_us = self._spans(after)
        if after and point_us < leaves_us:
            return self._key(after - 1)
        if point_us >= takes_us:
            return self._key(after)
        return self._between(point_us, after, takes_us)

    def note(self) -> str | None:
        """Return a sentence on grid points that have no key frame of their own; None if all do."""
        keys = {index for _, index in self._keys}
        point = points = samples = between = 0
        while (target := self.at(self._grid.point_us(point))) is not None:
            samples += 1
            between += target.index not in keys
            last_us = (
                min(
                    self._end_us,
                    round(
                        1000
                        * min(_NEVER_MS if target.until_ms is None else target.until_ms, _NEVER_MS)
                    ),
                )
                - 1
            )
            point = points = self._grid.last_point_at(last_us) + 1
        times = (self._grid.start_us, *(time_us for time_us, _ in self._keys), self._end_us - 1)
        longest_us = max(later - earlier for earlier, later in pairwise(times))
        apart = f"Key frames are up to {longest_us / 1e6:.1f} s apart"
        if between:
            enough = math.ceil(longest_us / MOST_INTERVALS_APART / 1e5) / 10
            return (
                f"{apart}, so {between} of {samples} samples are no key frames, and all frames "
                "from a key frame to them were decoded. To decode key frames only, set "
                f"sampling.every_seconds to {enough:g} or more."
            )
        if samples < points:
            return (
                f"{apart}, so {points} grid points have {samples} samples. For a sample at each "
                "grid point, set sampling.snap to exact."
            )
        return None

    def _key(self, number: int) -> Target:
        index = self._keys[number][1]
        leaves_us, _ = self._spans(number + 1)
        if self._grid.pick == "on_show" and index + 1 < self.packets.count:
            # Until the next frame there is no other one that could be sampled.
            leaves_us = max(leaves_us, _microseconds(self.packets, index + 1))
        return Target(index, leaves_us / 1000)

    def _between(self, point_us: int, after: int, takes_us: float) -> Target | None:
        """Return the exact sample of a point that is far from key frames."""
        target = self._picked.at(point_us)
        if target is None or _microseconds(self.packets, target.index) >= self._end_us:
            return None
        if after < len(self._keys) and target.index >= self._keys[after][1]:
            return self._key(after)
        own_us = _microseconds(self.packets, target.index) + 1
        until_us = own_us if target.until_ms is None else 1000 * target.until_ms
        return Target(target.index, min(until_us, takes_us) / 1000)

    def _bounds(self, after: int) -> tuple[int, int]:
        """Return the times of the key frames before and after; else those of start and end."""
        low_us = self._keys[after - 1][0] if after else self._grid.start_us
        high_us = self._keys[after][0] if after < len(self._keys) else self._end_us - 1
        return low_us, high_us

    def _spans(self, after: int) -> tuple[int, float]:
        """Return the end of the span of the key frame before, and the start of that of the next.

        Both in microseconds.
        """
        low_us, high_us = self._bounds(after)
        is_sparse = high_us - low_us > MOST_INTERVALS_APART * self._grid.every_us
        half_us = self._grid.every_us // 2
        if after == len(self._keys):
            return (low_us + half_us if is_sparse else high_us) + 1, math.inf
        if is_sparse:
            return low_us + half_us + 1, high_us - half_us
        middle_us = (low_us + high_us) // 2 + 1 if after else low_us
        return middle_us, middle_us


def _microseconds(packets: PacketIndex, index: int) -> int:
    return round(1000 * packets.pts_ms(index))
