"""Which frames are sampled: a grid on presentation time, cut into segments.

Sample k is the first decodable frame at or after `start + k * every`. A frame that serves
several grid points (a pause in a variable-rate video) is sampled once, for the first of them,
and belongs to that point's segment. Frame counts and nominal rates play no part: they lie.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.config import Config

_MICROSECONDS = 1_000_000


@dataclass(frozen=True)
class Grid:
    """Grid points in whole microseconds after the first frame: integers compare exactly.

    Attributes:
        start_us, every_us: point k is at `start_us + k * every_us`.
        end_us: points and frames from here on are not sampled; None: there is no end.
        segment_us: length of a segment; the first one starts at 0.
    """

    start_us: int
    every_us: int
    end_us: int | None
    segment_us: int

    @classmethod
    def of(cls, config: Config) -> Grid:
        """Return the grid that a configuration asks for."""
        sampling = config.sampling
        end = sampling.end_seconds
        return cls(
            start_us=_microseconds(sampling.start_seconds),
            every_us=_microseconds(sampling.every_seconds),
            end_us=None if end is None else _microseconds(end),
            segment_us=_microseconds(config.segment.seconds),
        )

    def point_us(self, k: int) -> int:
        """Return the time of grid point k."""
        return self.start_us + k * self.every_us

    def last_point_at(self, pts_us: int) -> int:
        """Return the k of the last grid point at or before a time; negative before the start."""
        return (pts_us - self.start_us) // self.every_us

    def segment_of(self, k: int) -> int:
        """Return the segment that grid point k lies in."""
        return self.point_us(k) // self.segment_us

    def is_past(self, pts_us: int) -> bool:
        """Tell whether a time is at or after the end."""
        return self.end_us is not None and pts_us >= self.end_us


class Sampler:
    """Walks the grid along with the frames, which must come in presentation order."""

    def __init__(self, grid: Grid) -> None:
        self._grid = grid
        self._next = 0

    @property
    def interval_ms(self) -> float:
        """Between two grid points."""
        return self._grid.every_us / 1000

    @property
    def next_ms(self) -> float:
        """The next grid point that no frame has served."""
        return self._grid.point_us(self._next) / 1000

    def segment_for(self, pts_ms: float) -> int | None:
        """Return the segment that samples the frame at `pts_ms`; None if it is not sampled."""
        pts_us = round(pts_ms * 1000)
        last = self._grid.last_point_at(pts_us)
        if last < self._next or self._grid.is_past(pts_us):
            return None
        served, self._next = self._next, last + 1
        return self._grid.segment_of(served)

    def is_done(self, pts_ms: float) -> bool:
        """Tell whether no frame at or after `pts_ms` can be sampled any more."""
        return self._grid.is_past(round(pts_ms * 1000))


def _microseconds(seconds: float) -> int:
    return round(seconds * _MICROSECONDS)
