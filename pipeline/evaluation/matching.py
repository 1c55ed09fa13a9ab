"""Which pre-annotation became which object: the pairing that needs the fewest corrections.

What the labeller really did is not in the files. So this is the least that leads from one set of
boxes to the other: objects that changed, came and went are as few as they can be. Among pairings
that agree in that, the one that keeps more wins; then the same class, and the greater overlap.
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

# COCO's own bound for one and the same object, and that of AP50. Of two objects side by side no
# box has as much with both.
MINIMUM_IOU = 0.5
# Sums such as 10.1 + 20.2 are not exact.
_SLACK = 1e-6
# Boxes against boxes at a time: bounds the memory, whatever an image holds.
_CELLS = 1_000_000


@dataclass(frozen=True, slots=True)
class Pair:
    """A pre-annotation and what became of it.

    Attributes:
        found: the pre-annotation.
        truth: the object that it became.
        iou: their overlap, 0 to 1.
        still: no side of the box moved further than the tolerance.
    """

    found: Box
    truth: Box
    iou: float
    still: bool

    @property
    def same_class(self) -> bool:
        """Whether it kept its class."""
        return self.found.category == self.truth.category

    @property
    def kept(self) -> bool:
        """Whether nothing was corrected."""
        return self.same_class and self.still


def pairs(found: Sequence[Box], truth: Sequence[Box], tolerance: float) -> Iterator[Pair]:
    """Pair the boxes of one image, each at most once.

    Args:
        found: the pre-annotations.
        truth: the corrected objects.
        tolerance: how far a side may be moved in a box that is still the same, in pixels.
    """
    # Equally good pairings are decided by the boxes, not by the order that a tool wrote them in.
    found, truth = (sorted(boxes, key=_canonical) for boxes in (found, truth))
    links = [
        _Link(row, column, Pair(found[row], truth[column], overlap, still))
        for row, column, overlap, still in _overlaps(_corners(found), _corners(truth), tolerance)
    ]
    for group in _groups(links, len(found), len(truth)):
        yield from _best(group)


class _Link(NamedTuple):
    """A pair that may be, and where its boxes stand."""

    row: int
    column: int
    pair: Pair


def _canonical(box: Box) -> tuple[object, ...]:
    return (box.category, box.bbox, -box.score)


def _corners(boxes: Sequence[Box]) -> Floats:
    table = np.array([box.bbox for box in boxes], dtype=np.float64).reshape(-1, 4)
    return np.concatenate([table[:, :2], table[:, :2] + table[:, 2:]], axis=1)


def _overlaps(
    found: Floats, truth: Floats, tolerance: float
) -> Iterator[tuple[int, int, float, bool]]:
    """Yield what may be a pair: row, column, IoU, and whether all sides stayed."""
    if not len(truth):
        return
    rows = max(1, _CELLS // len(truth))
    for start in range(0, len(found), rows):
        block = found[start : start + rows]
        sides = np.abs(block[:, np.newaxis] - truth)
        still = np.all(sides <= tolerance + _SLACK, axis=-1)
        overlaps = iou(block, truth)
        # A box of few pixels may have rounded away from itself: it is the same all the same.
        where = np.nonzero(still | (overlaps >= MINIMUM_IOU))
        yield from zip(
            (where[0] + start).tolist(),
            where[1].tolist(),
            overlaps[where].tolist(),
            still[where].tolist(),
            strict=True,
        )


def _groups(links: Sequence[_Link], rows: int, columns: int) -> Iterator[list[_Link]]:
    """Split links into groups that share no box: small problems, however full the image is."""
    if not links:
        return
    # No other command needs scipy, which takes its time to load.
    from scipy.sparse import coo_array  # type: ignore[import-untyped]  # noqa: PLC0415
    from scipy.sparse.csgraph import (  # type: ignore[import-untyped]  # noqa: PLC0415
        connected_components,
    )

    at = [link.row for link in links], [rows + link.column for link in links]
    graph = coo_array((np.ones(len(links)), at), shape=(rows + columns, rows + columns))
    labels = connected_components(graph, directed=False)[1]
    groups: dict[int, list[_Link]] = {}
    for link in links:
        groups.setdefault(int(labels[link.row]), []).append(link)
    yield from groups.values()


def _best(group: Sequence[_Link]) -> Iterator[Pair]:
    if len(group) == 1:
        yield group[0].pair
        return
    from scipy.optimize import (  # type: ignore[import-untyped]  # noqa: PLC0415
        linear_sum_assignment,
    )

    rows, columns = _places(link.row for link in group), _places(link.column for link in group)
    # The corrections that a pair spares: one, or two if it is kept; and a third for the latter, so
    # that it also wins where that is equal. What decides after that is less than 1 in sum.
    least = 1 / (2 * min(len(rows), len(columns)) + 1)
    worth = np.zeros((len(rows), len(columns)))
    pairs_at = {}
    for link in group:
        place = rows[link.row], columns[link.column]
        pair = link.pair
        worth[place] = 1 + 2 * pair.kept + least * (pair.same_class + pair.iou)
        pairs_at[place] = pair
    for place in zip(*linear_sum_assignment(worth, maximize=True), strict=True):
        if place in pairs_at:
            yield pairs_at[place]


def _places(values: Iterable[int]) -> dict[int, int]:
    return {value: place for place, value in enumerate(sorted(set(values)))}
