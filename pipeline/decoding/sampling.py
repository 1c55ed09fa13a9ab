"""Choose which frames are sampled: a grid on presentation time, divided into segments.

Sample k is the first decodable frame at or after `start + k * every`, or with `sampling.pick:
on_show` the last one at or before it. A frame that is the sample of several grid points, as at a
pause in a video of variable rate, is sampled once, for the first of them, and belongs to that
point's segment. Frame counts and nominal frame rates are not used, because headers can be wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.errors import RejectedError

if TYPE_CHECKING:
    from pipeline.config.schema import Config, PickName, SnapName
    from pipeline.decoding.key_frame import Part

_MICROSECONDS = 1_000_000


@dataclass(frozen=True)
class SamplingGrid:
    """Grid points, and which frames are their samples.

    Times are whole microseconds after the first frame, so that they compare exactly.

    Attributes:
        start_us, every_us: point k is at `start_us + k * every_us`.
        end_us: points and frames at or after this time are not sampled; None: no end.
        segment_us: length of a segment; the first one starts at 0.
        pick: which frame is the sample of a point.
        snap: to which frames samples are moved.
    """

    start_us: int
    every_us: int
    end_us: int | None
    segment_us: int
    pick: PickName = "at_or_after"
    snap: SnapName = "exact"

    @classmethod
    def from_config(cls, config: Config) -> SamplingGrid:
        """Return the grid of a configuration."""
        sampling = config.sampling
        end = sampling.end_seconds
        return cls(
            start_us=_microseconds(sampling.start_seconds),
            every_us=_microseconds(sampling.every_seconds),
            end_us=None if end is None else _microseconds(end),
            segment_us=_microseconds(config.segment.seconds),
            pick=sampling.pick,
            snap=sampling.snap,
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

    def first_point_us(self, segment: int) -> int:
        """Return the time of the first grid point that lies in this segment or a later one."""
        ahead_us = max(0, segment * self.segment_us - self.start_us)
        return self.point_us(-(-ahead_us // self.every_us))

    def is_past_end(self, pts_us: int) -> bool:
        """Tell whether a time is at or after the end."""
        return self.end_us is not None and pts_us >= self.end_us


class Sampler:
    """Decides for each frame whether it is sampled. Frames must come in presentation order.

    Attributes:
        part: the part of the video that is sampled; None: all of it.
    """

    def __init__(self, grid: SamplingGrid, part: Part | None = None) -> None:
        """Create a sampler that has seen no frame, or the frame with which the part begins."""
        self.part = part
        self._grid = grid
        self._next = 0
        self._is_past_part = False
        if part is not None and part.start is not None:
            self._next = max(0, _first_point_of(part, grid))

    @property
    def grid(self) -> SamplingGrid:
        """The grid."""
        return self._grid

    @property
    def interval_ms(self) -> float:
        """Time between two grid points."""
        return self._grid.every_us / 1000

    @property
    def next_us(self) -> int:
        """Time of the first grid point for which no frame was sampled yet."""
        return self._grid.point_us(self._next)

    @property
    def has_sampled(self) -> bool:
        """Whether a frame was sampled. A part need not have any."""
        return self._next > 0 or self.part is not None

    def segment_for(self, pts_ms: float, until_ms: float | None = None) -> int | None:
        """Return the segment for which a frame is sampled; None if it is not.

        Args:
            pts_ms: its presentation time.
            until_ms: it is the sample of the grid points before this time, as far as they have
                none; None: of those up to `pts_ms`.
        """
        pts_us = round(pts_ms * 1000)
        last = self._grid.last_point_at(pts_us if until_ms is None else round(until_ms * 1000) - 1)
        first = self._next
        if last < first or any(map(self._grid.is_past_end, (pts_us, self._grid.point_us(first)))):
            return None
        self._next = last + 1
        segment = self._grid.segment_of(first)
        if self.part is None:
            return segment
        self._is_past_part = self.part.ends_before(segment)
        return segment if self.part.has(segment) else None

    def is_done(self, pts_ms: float) -> bool:
        """Tell whether no frame at or after `pts_ms` can be sampled any more."""
        return self._is_past_part or self._grid.is_past_end(round(pts_ms * 1000))


def _first_point_of(part: Part, grid: SamplingGrid) -> int:
    """Return the first grid point whose sample may be a frame of the part, or one before it."""
    if part.snaps(grid.snap):
        # A key frame may be the sample of the last point before the part too, and so of that part.
        return grid.last_point_at(grid.first_point_us(part.first_segment)) - 1
    start_us = round(part.start_pts_ms * 1000)
    # The frame at a grid point is on show there. Otherwise it is the sample of an earlier part,
    # which has this point.
    return grid.last_point_at(start_us - 1 if grid.pick == "on_show" else start_us) + 1


def no_sample_error(name: str, grid: SamplingGrid, last_ms: float) -> RejectedError:
    """Return the rejection of a video that decodes, but has no frame where the grid has points.

    Args:
        name: name of the video in messages.
        grid: the grid.
        last_ms: presentation time of the last decoded frame, in milliseconds.
    """
    start, start_ms = _seconds_text(grid.start_us), grid.start_us / 1000
    if last_ms < start_ms or grid.end_us is None:
        return RejectedError(
            "no_sample",
            f"{name} has nothing to sample: sampling.start_seconds is {start} s, and the last "
            f"frame that decodes is at {_seconds_text(last_ms * 1000)} s. Lower "
            "sampling.start_seconds.",
        )
    return RejectedError(
        "no_sample",
        f"{name} has nothing to sample: it has no frame between sampling.start_seconds ({start} s) "
        f"and sampling.end_seconds ({_seconds_text(grid.end_us)} s). Set them further apart.",
    )


def _seconds_text(microseconds: float) -> str:
    return f"{microseconds / _MICROSECONDS:.3f}".rstrip("0").rstrip(".")


def _microseconds(seconds: float) -> int:
    return round(seconds * _MICROSECONDS)
