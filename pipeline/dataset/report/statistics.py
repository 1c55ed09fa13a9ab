"""Statistics of the objects of a dataset: by class, by score and by size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pipeline.dataset.dataset import Dataset
    from pipeline.frame import Detections

# Finer than the steps in which people set a threshold; edges have two decimals.
_SCORE_EDGES = tuple(number / 20 for number in range(21))
_SIZE_EDGES = (0, 8, 16, 32, 64, 96, 128, 256, 512, 1024)
"""Sides of a square, in pixels. COCO calls boxes below 32 small and from 96 on large."""


@dataclass(frozen=True)
class ClassRow:
    """Statistics of one class.

    Attributes:
        class_id: its number in the model's order, from 0.
        label: the class.
        objects: number of objects.
        frames: number of frames with at least one object.
        share: share of all objects, 0 to 1.
        median_score: median score of its objects, 0 to 1.
        median_width, median_height: median size of its boxes, in displayed pixels.
    """

    class_id: int
    label: str
    objects: int
    frames: int
    share: float
    median_score: float
    median_width: float
    median_height: float


@dataclass(frozen=True)
class PerFrame:
    """Median and largest number of objects in a kept frame."""

    median: float
    most: int


@dataclass(frozen=True)
class Bin:
    """A bar of a histogram: the number of objects from one value (inclusive) to the next.

    Attributes:
        low, high: the values; `high` is None if there is no upper end.
        objects: number of objects.
    """

    low: float
    high: float | None
    objects: int

    @property
    def name(self) -> str:
        """The range, such as `0.40-0.45`, `32-64` or `1024 and more`."""
        digits = 0 if self.low == int(self.low) and (self.high or 0) == int(self.high or 0) else 2
        low = f"{self.low:.{digits}f}"
        return f"{low} and more" if self.high is None else f"{low}-{self.high:.{digits}f}"


@dataclass(frozen=True)
class ObjectStatistics:
    """What there is to know about all objects of a dataset.

    Attributes:
        empty_frames: number of kept frames without an object.
        per_frame: how many objects a kept frame has.
        classes: a row for each class that was found, the most frequent one first.
        scores: histogram of scores, in steps of 0.05; leading empty bins are left out.
        sizes: histogram of the square root of the boxes' areas, in displayed pixels.
    """

    empty_frames: int
    per_frame: PerFrame
    classes: tuple[ClassRow, ...]
    scores: tuple[Bin, ...]
    sizes: tuple[Bin, ...]


def object_statistics(dataset: Dataset) -> ObjectStatistics:
    """Return the statistics of the objects in the kept frames."""
    found = dataset.frames.objects_by_frame().tolist()
    every = dataset.frames.objects()
    sides = every.boxes[:, 2:] - every.boxes[:, :2]
    return ObjectStatistics(
        empty_frames=found.count(0),
        per_frame=PerFrame(float(np.median(found)) if found else 0.0, max(found, default=0)),
        classes=_class_rows(every, np.repeat(np.arange(len(found)), found), dataset.labels),
        scores=_histogram(every.scores.astype(float).round(4), _SCORE_EDGES, is_open=False),
        sizes=_histogram(np.sqrt(sides.prod(axis=1)), _SIZE_EDGES, is_open=True),
    )


def _class_rows(
    every: Detections, frame_numbers: NDArray[np.integer], labels: Sequence[str]
) -> tuple[ClassRow, ...]:
    rows = []
    for class_id in np.unique(every.class_ids).tolist():
        is_of_class = every.class_ids == class_id
        objects = every[is_of_class]
        width, height = np.median(objects.boxes[:, 2:] - objects.boxes[:, :2], axis=0)
        rows.append(
            ClassRow(
                class_id=class_id,
                label=labels[class_id],
                objects=len(objects),
                frames=len(np.unique(frame_numbers[is_of_class])),
                share=float(is_of_class.mean()),
                median_score=float(np.median(objects.scores)),
                median_width=float(width),
                median_height=float(height),
            )
        )
    return tuple(sorted(rows, key=lambda row: (-row.objects, row.label)))


def _histogram(
    values: NDArray[np.floating], edges: Sequence[float], *, is_open: bool
) -> tuple[Bin, ...]:
    """Return the bins between edges, from the first to the last one that has a value.

    Args:
        values: the values, of which none is below the first edge.
        edges: the edges, ascending.
        is_open: whether there is a bin above the last edge. If not, it belongs to the last bin.
    """
    lows = edges if is_open else edges[:-1]
    highs = [*edges[1:], None] if is_open else edges[1:]
    numbers = np.searchsorted(np.array(lows), values, side="right") - 1
    counts = np.bincount(numbers, minlength=len(lows)).tolist()
    filled = [number for number, count in enumerate(counts) if count]
    if not filled:
        return ()
    bins = [Bin(*row) for row in zip(lows, highs, counts, strict=True)]
    return tuple(bins[filled[0] : filled[-1] + 1])
