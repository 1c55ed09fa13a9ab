"""Boxes as distributions: for each side, how likely its distance is 0, 1, 2... cells.

Li and others, Generalized Focal Loss, 2020: https://arxiv.org/abs/2006.04388
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pipeline.detection.families.common.base import every_class, to_detections
from pipeline.detection.families.common.grids import cell_grid, find_strides, input_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.detection.families.common.base import Array
    from pipeline.detection.graph import Graph, TensorInfo
    from pipeline.frame import Detections

SIDES, BINS = 4, 8


class Levels(NamedTuple):
    """Outputs of class scores and of distributions, one of each a grid.

    Attributes:
        ports: the scores', then the distributions', each from the finest grid on.
        strides: of the grids, in pixels.
        classes: how many scores a cell has.
    """

    ports: tuple[TensorInfo, ...]
    strides: tuple[int, ...]
    classes: int


def find_levels(graph: Graph) -> Levels | None:
    """Find pairs of `1 x n x classes` and `1 x n x 32`, a pair a grid, in any order."""
    ports = [(port, port.shape) for port in graph.outputs]
    cells = [(port, s[1], s[2]) for port, s in ports if s and len(s) == 3 and s[1] and s[2]]  # noqa: PLR2004 - batch, cells, values
    boxes = [port for port, _, columns in cells if columns == SIDES * BINS]
    widths = {columns for port, _, columns in cells if port not in boxes}
    counts = [rows for port, rows, _ in cells if port in boxes]
    strides = find_strides(sum(counts), input_size(graph.image))
    paired = len(cells) == len(graph.outputs) == 2 * len(boxes)
    if strides is None or len(strides) != len(boxes) or not paired or len(widths) != 1:
        return None
    finest_first = sorted(cells, key=lambda cell: (cell[0] in boxes, -cell[1]))
    return Levels(tuple(port for port, _, _ in finest_first), strides, widths.pop())


def join_levels(outputs: Sequence[Array]) -> tuple[Array, Array]:
    """Return the scores and the distributions of all levels' cells, N x classes and N x 32."""
    half = len(outputs) // 2
    return (
        np.concatenate([output[0] for output in outputs[:half]]),
        np.concatenate([output[0] for output in outputs[half:]]),
    )


def objects(
    scores: Array,
    distributions: Array,
    score_threshold: float,
    size: tuple[int, int],
    cells: tuple[tuple[int, ...], float],
) -> Detections:
    """Read each cell's box, once for each of its classes that scores enough.

    Args:
        scores: N x classes.
        distributions: N x (4 * bins) logits.
        score_threshold: the lowest score to take.
        size: the input's width and height in pixels.
        cells: the strides of their grids, and where in a cell its box's centre lies: 0 at its
            corner, 0.5 in its middle.
    """
    strides, offset = cells
    rows, best, ids = every_class(scores, score_threshold)
    places, widths = (each[rows] for each in cell_grid(size, strides))
    boxes = boxes_from_distributions((places + offset) * widths, widths, distributions[rows])
    return to_detections(boxes, best, ids)


def boxes_from_distributions(centres: Array, strides: Array, distributions: Array) -> Array:
    """Turn distributions of distances into boxes.

    Args:
        centres: N x 2, x and y in input pixels.
        strides: N x 1, pixels of a cell.
        distributions: N x (4 * bins) logits, for left, top, right and bottom in turn.

    Returns:
        N x 4: x1 y1 x2 y2 in input pixels; each distance is the distribution's mean.
    """
    bins = distributions.shape[1] // SIDES
    logits = distributions.reshape(len(distributions), SIDES, bins).astype(np.float32, copy=False)
    powers = np.exp(logits - logits.max(axis=2, keepdims=True))
    distances = (powers @ np.arange(bins, dtype=np.float32)) / powers.sum(axis=2) * strides
    return np.concatenate([centres - distances[:, :2], centres + distances[:, 2:]], axis=1)
