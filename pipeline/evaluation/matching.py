"""Match the pre-annotations of an image with its corrected objects, with the fewest corrections.

The files do not say what the labeller did. So boxes are matched one to one in the way that needs
the fewest corrections: changed, deleted and added objects are counted together. Among matchings
with equally few corrections, the one with more kept boxes wins, then the one with more boxes of the
same class and a larger overlap.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pipeline.detection.boxes import iou

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from pipeline.evaluation.comparison import Box

    Floats = NDArray[np.float64]

# COCO's lowest IoU for the same object, as in AP50. No box can overlap two objects that lie side by
# side by more than this.
MINIMUM_IOU = 0.5
# Sums of floats such as 10.1 + 20.2 are not exact.
_FLOAT_ERROR_PIXELS = 1e-6
# Number of IoUs to compute at a time. It limits the memory for an image with many boxes.
_IOUS_PER_BLOCK = 1_000_000


@dataclass(frozen=True, slots=True)
class Match:
    """A pre-annotation and the corrected object that it became.

    Attributes:
        predicted: the pre-annotation.
        truth: the corrected object.
        iou: their IoU, 0 to 1.
        is_in_place: whether no side of the box moved further than the tolerance.
    """

    predicted: Box
    truth: Box
    iou: float
    is_in_place: bool

    @property
    def has_same_class(self) -> bool:
        """Whether the class was not changed."""
        return self.predicted.class_index == self.truth.class_index

    @property
    def is_kept(self) -> bool:
        """Whether neither the class nor the box was changed."""
        return self.has_same_class and self.is_in_place


def match_boxes(
    predicted: Sequence[Box], truth: Sequence[Box], tolerance_pixels: float
) -> Iterator[Match]:
    """Match the boxes of one image. Each box is in at most one match.

    Args:
        predicted: the pre-annotations.
        truth: the corrected objects.
        tolerance_pixels: how far a side may move in a box that counts as in place.
    """
    # Sorted, so that the order in the files does not decide between equally good matchings.
    predicted, truth = (sorted(boxes, key=_sort_key) for boxes in (predicted, truth))
    candidates = [
        _Candidate(row, column, Match(predicted[row], truth[column], overlap, is_in_place))
        for row, column, overlap, is_in_place in _close_boxes(
            _xyxy(predicted), _xyxy(truth), tolerance_pixels
        )
    ]
    for group in _connected_groups(candidates, len(predicted), len(truth)):
        yield from _best_matches(group)


class _Candidate(NamedTuple):
    """A possible match, with the indexes of its two boxes."""

    row: int
    column: int
    match: Match


def _sort_key(box: Box) -> tuple[object, ...]:
    return (box.class_index, box.bbox, -box.score)


def _xyxy(boxes: Sequence[Box]) -> Floats:
    """Return boxes as N x 4 corners: x1, y1, x2, y2."""
    xywh = np.array([box.bbox for box in boxes], dtype=np.float64).reshape(-1, 4)
    return np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1)


def _close_boxes(
    predicted: Floats, truth: Floats, tolerance_pixels: float
) -> Iterator[tuple[int, int, float, bool]]:
    """Yield row, column, IoU and whether in place, for two boxes that may be the same object."""
    if not len(truth):
        return
    rows = max(1, _IOUS_PER_BLOCK // len(truth))
    for start in range(0, len(predicted), rows):
        block = predicted[start : start + rows]
        shifts = np.abs(block[:, np.newaxis] - truth)
        is_in_place = np.all(shifts <= tolerance_pixels + _FLOAT_ERROR_PIXELS, axis=-1)
        overlaps = iou(block, truth)
        # Rounding can move a box of a few pixels so far that it no longer overlaps itself.
        where = np.nonzero(is_in_place | (overlaps >= MINIMUM_IOU))
        yield from zip(
            (where[0] + start).tolist(),
            where[1].tolist(),
            overlaps[where].tolist(),
            is_in_place[where].tolist(),
            strict=True,
        )


def _connected_groups(
    candidates: Sequence[_Candidate], rows: int, columns: int
) -> Iterator[list[_Candidate]]:
    """Split candidates into groups that have no box in common.

    Each group is an assignment problem of its own, and a small one even in a full image.
    """
    if not candidates:
        return
    # scipy takes long to load, and no other command needs it.
    from scipy.sparse import coo_array  # type: ignore[import-untyped]  # noqa: PLC0415
    from scipy.sparse.csgraph import (  # type: ignore[import-untyped]  # noqa: PLC0415
        connected_components,
    )

    edges = [each.row for each in candidates], [rows + each.column for each in candidates]
    graph = coo_array((np.ones(len(candidates)), edges), shape=(rows + columns, rows + columns))
    components = connected_components(graph, directed=False)[1]
    groups: dict[int, list[_Candidate]] = {}
    for each in candidates:
        groups.setdefault(int(components[each.row]), []).append(each)
    yield from groups.values()


def _best_matches(group: Sequence[_Candidate]) -> Iterator[Match]:
    """Yield the matches of a group whose sum of gains is the highest."""
    if len(group) == 1:
        yield group[0].match
        return
    from scipy.optimize import (  # type: ignore[import-untyped]  # noqa: PLC0415
        linear_sum_assignment,
    )

    rows = _indexes(each.row for each in group)
    columns = _indexes(each.column for each in group)
    # A match saves one correction, or two if the box is kept. A kept box gains a third point, so
    # that more kept boxes win if the number of corrections is equal. Class and overlap decide last:
    # over all matches of the group, they add up to less than 1.
    last_weight = 1 / (2 * min(len(rows), len(columns)) + 1)
    gains = np.zeros((len(rows), len(columns)))
    matches = {}
    for each in group:
        cell = rows[each.row], columns[each.column]
        match = each.match
        gains[cell] = 1 + 2 * match.is_kept + last_weight * (match.has_same_class + match.iou)
        matches[cell] = match
    for cell in zip(*linear_sum_assignment(gains, maximize=True), strict=True):
        if cell in matches:
            yield matches[cell]


def _indexes(values: Iterable[int]) -> dict[int, int]:
    """Return the index of each different value in their sorted list."""
    return {value: index for index, value in enumerate(sorted(set(values)))}
