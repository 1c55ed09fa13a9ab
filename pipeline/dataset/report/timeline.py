"""What became of the sampled frames over the time of the video, in at most about 100 cells."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.coverage import MissingRange
    from pipeline.dataset.frame_table import FrameTable
    from pipeline.frame import FrameRecord

_MOST_CELLS = 100


@dataclass
class Cell:
    """A part of the video's time.

    Attributes:
        from_ms, to_ms: where it begins (inclusive) and ends (exclusive).
        kept: number of kept frames.
        dropped: number of dropped frames by reason.
        only: the frame, if there is only one in it.
    """

    from_ms: float
    to_ms: float
    kept: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    only: FrameRecord | None = None

    @property
    def sampled(self) -> int:
        """Number of sampled frames."""
        return self.kept + self.dropped.total()

    def add(self, frame: FrameRecord) -> None:
        """Count a sampled frame."""
        self.only = None if self.sampled else frame
        if frame.duplicate is None:
            self.kept += 1
        else:
            self.dropped[frame.duplicate.reason] += 1


@dataclass(frozen=True)
class Timeline:
    """The cells of a video, all of one length, and where frames are missing.

    Attributes:
        cells: the cells, from the beginning of the video to its end.
        missing_ranges: the ranges without frames, from the beginning of the video on.
    """

    cells: tuple[Cell, ...]
    missing_ranges: tuple[MissingRange, ...]

    @property
    def end_ms(self) -> float:
        """Where the last cell ends; 0 without cells."""
        return self.cells[-1].to_ms if self.cells else 0.0

    @property
    def missing_frames(self) -> int:
        """Number of frames in the missing ranges."""
        return sum(missing.frames for missing in self.missing_ranges)

    @property
    def most_sampled(self) -> int:
        """Largest number of sampled frames in a cell."""
        return max((cell.sampled for cell in self.cells), default=0)

    def missing_in(self, cell: Cell) -> list[MissingRange]:
        """Return the missing ranges that a cell has a part of."""
        return [
            missing
            for missing in self.missing_ranges
            if missing.from_ms < cell.to_ms and missing.to_ms > cell.from_ms
        ]


def timeline(
    frames: FrameTable,
    missing_ranges: Sequence[MissingRange],
    *,
    video_ms: float,
    every_ms: float,
) -> Timeline:
    """Return the timeline of a video.

    Cells are as long as one or more samples, so that a regular video has equal cells.

    Args:
        frames: the records of the sampled frames.
        missing_ranges: the ranges without frames.
        video_ms: length of the video.
        every_ms: time between two samples.
    """
    shown = [missing for missing in missing_ranges if missing.to_ms > 0]
    last_ms = max([video_ms, frames.last_ms, *(m.to_ms for m in shown)])
    cell_ms = every_ms * max(1, math.ceil(last_ms / every_ms / _MOST_CELLS))
    number = max(1, math.ceil(last_ms / cell_ms))
    cells = [Cell(each * cell_ms, (each + 1) * cell_ms) for each in range(number)]
    for frame in frames:
        cells[min(int(frame.pts_ms // cell_ms), number - 1)].add(frame)
    return Timeline(tuple(cells), tuple(shown))
