"""Divide a video into parts of whole segments, by its length alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.decoding.sampling import SamplingGrid


@dataclass(frozen=True, slots=True)
class Division:
    """How large parts are to be.

    Attributes:
        shard_seconds: shortest length of a part, but for the last one.
        most_shards: number of parts at most.
    """

    shard_seconds: float
    most_shards: int

    def later_parts(self, grid: SamplingGrid, end_us: int) -> Iterator[tuple[int, int]]:
        """Yield the first segment and the first grid point of each part but the first one.

        Args:
            grid: the sampling grid.
            end_us: end of the video, in microseconds after the first frame.
        """
        if grid.end_us is not None:
            end_us = min(end_us, grid.end_us)
        begin = grid.segment_of(0)
        segments = max(1, math.ceil(end_us / grid.segment_us) - begin)
        by_length = math.ceil(self.shard_seconds * 1_000_000 / grid.segment_us)
        step = max(1, by_length, math.ceil(segments / self.most_shards))
        for segment in range(begin + step, begin + segments, step):
            point_us = grid.first_point_us(segment)
            if point_us < end_us:
                yield segment, point_us
