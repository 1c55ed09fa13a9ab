"""Boxes as distributions of distances, as NanoDet and PicoDet predict them.

For each side of a box there are `bins` logits: how likely the side lies 0, 1, 2... cells away from
the cell's reference point.

Source: Li and others, Generalized Focal Loss, 2020: https://arxiv.org/abs/2006.04388
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pipeline.detection.families.common.base import select_every_class, to_detections
from pipeline.detection.families.common.grids import assumed_input_size, cell_grid, find_strides

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.detection.families.common.base import Array
    from pipeline.detection.families.common.grids import Strides
    from pipeline.detection.graph import Graph, TensorInfo
    from pipeline.frame import Detections

SIDES, BINS = 4, 8
"""Sides of a box, and the usual number of bins for each side (`reg_max` of 7)."""

LEAST_BINS, MOST_BINS = 5, 33
"""The numbers of bins that a model can have."""


class GridOutputs(NamedTuple):
    """The outputs of a graph that has two outputs for each grid: class scores and distributions.

    Attributes:
        tensors: the outputs with class scores, then those with distributions; both from the finest
            grid to the coarsest.
        strides: of the grids, in pixels.
        class_count: number of class scores of each cell.
        bins: number of bins for each side of a box.
    """

    tensors: tuple[TensorInfo, ...]
    strides: Strides
    class_count: int
    bins: int


class Cells(NamedTuple):
    """The cells that boxes are measured from.

    Attributes:
        strides: of the grids, in pixels.
        offset: where the reference point lies in its cell, across and down: 0 for the top left
            corner, 0.5 for the centre.
    """

    strides: Strides
    offset: float


def find_grid_outputs(graph: Graph, distribution_name: str | None = None) -> GridOutputs | None:
    """Find an output with class scores and one with distributions for each grid, in any order.

    Args:
        graph: with outputs of `1 x n x classes` and of `1 x n x (4 * bins)`.
        distribution_name: a part of the names of the outputs with distributions; None if these are
            the outputs with the usual 32 columns.
    """
    shapes = [(tensor, tensor.shape) for tensor in graph.outputs]
    tables = [(tensor, s[1], s[2]) for tensor, s in shapes if s and len(s) == 3 and s[1] and s[2]]  # noqa: PLR2004 - batch, cells, values
    distributions = [
        tensor
        for tensor, _, columns in tables
        if (
            columns == SIDES * BINS
            if distribution_name is None
            else distribution_name in tensor.name
        )
    ]
    box_columns = {columns for tensor, _, columns in tables if tensor in distributions}
    class_counts = {columns for tensor, _, columns in tables if tensor not in distributions}
    cell_counts = [rows for tensor, rows, _ in tables if tensor in distributions]
    strides = find_strides(sum(cell_counts), assumed_input_size(graph.image_input))
    is_paired = len(tables) == len(graph.outputs) == 2 * len(distributions)
    if (
        strides is None
        or len(strides) != len(distributions)
        or not is_paired
        or len(class_counts) != 1
        or len(box_columns) != 1
        or (bins := bins_of_columns(box_columns.pop())) is None
    ):
        return None
    finest_first = sorted(tables, key=lambda table: (table[0] in distributions, -table[1]))
    tensors = tuple(tensor for tensor, _, _ in finest_first)
    return GridOutputs(tensors, strides, class_counts.pop(), bins)


def bins_of_columns(columns: int) -> int | None:
    """Return the number of bins for each side; None if a box does not have so many columns."""
    bins, rest = divmod(columns, SIDES)
    return bins if rest == 0 and LEAST_BINS <= bins <= MOST_BINS else None


def join_grids(outputs: Sequence[Array]) -> tuple[Array, Array]:
    """Return the scores and distributions of all grids' cells, N x classes and N x (4 * bins).

    Args:
        outputs: in the order of `GridOutputs.tensors`.
    """
    half = len(outputs) // 2
    return (
        np.concatenate([output[0] for output in outputs[:half]]),
        np.concatenate([output[0] for output in outputs[half:]]),
    )


def decode_cells(
    scores: Array,
    distributions: Array,
    score_threshold: float,
    size: tuple[int, int],
    cells: Cells,
) -> Detections:
    """Decode the box of each cell, once for each of its classes that reaches the threshold.

    Args:
        scores: N x classes.
        distributions: N x (4 * bins) logits.
        score_threshold: the lowest score to return.
        size: width and height of the input in pixels.
        cells: the N cells.
    """
    rows, best, class_ids = select_every_class(scores, score_threshold)
    positions, strides = (array[rows] for array in cell_grid(size, cells.strides))
    points = (positions + cells.offset) * strides
    boxes = boxes_from_distributions(points, strides, distributions[rows])
    return to_detections(boxes, best, class_ids)


def boxes_from_distributions(points: Array, strides: Array, distributions: Array) -> Array:
    """Return the boxes whose sides lie at the mean distances of the distributions.

    Args:
        points: N x 2, x and y of the reference points in input pixels.
        strides: N x 1, strides of the cells in pixels.
        distributions: N x (4 * bins) logits: those of the left side, then top, right and bottom.

    Returns:
        N x 4, x1 y1 x2 y2 in input pixels.
    """
    bins = distributions.shape[1] // SIDES
    logits = distributions.reshape(len(distributions), SIDES, bins).astype(np.float32, copy=False)
    powers = np.exp(logits - logits.max(axis=2, keepdims=True))
    distances = (powers @ np.arange(bins, dtype=np.float32)) / powers.sum(axis=2) * strides
    return np.concatenate([points - distances[:, :2], points + distances[:, 2:]], axis=1)
