"""Grids of cells: YOLO and anchor-free models predict boxes for each cell of several grids.

A grid with stride s divides the model's input into cells of s x s pixels.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from pipeline.detection.graph import PROBE_SIDE

if TYPE_CHECKING:
    from pipeline.detection.families.common.base import Array
    from pipeline.detection.graph import ImageInput

Strides = tuple[int, ...]
"""The stride of each grid of a model, in pixels."""

COMMON_STRIDES: tuple[Strides, ...] = ((8, 16, 32), (8, 16, 32, 64))
"""The strides of nearly all published models."""
ALL_STRIDES: tuple[Strides, ...] = (
    *COMMON_STRIDES,
    (4, 8, 16, 32),  # for small objects
    (16, 32),  # "tiny" models
    (8, 16, 32, 64, 128),
)


def assumed_input_size(image_input: ImageInput) -> tuple[int, int]:
    """Return the width and height of the input, in pixels, that the outputs' shapes belong to.

    For an input of a free size, this is the size of the blank image that a model is run on to see
    the shapes of its outputs.
    """
    return image_input.width or PROBE_SIDE, image_input.height or PROBE_SIDE


def find_strides(
    anchor_count: int,
    size: tuple[int, int],
    candidates: tuple[Strides, ...] = COMMON_STRIDES,
    anchors_per_cell: int = 1,
) -> Strides | None:
    """Return the strides whose grids have this number of anchors in total; None if none has.

    Args:
        anchor_count: number of anchors of all grids together.
        size: width and height of the input in pixels.
        candidates: the strides to choose from.
        anchors_per_cell: number of boxes that a model predicts for each cell.
    """
    for strides in candidates:
        cell_count = sum(_cells(size[0], stride) * _cells(size[1], stride) for stride in strides)
        if anchor_count == anchors_per_cell * cell_count:
            return strides
    return None


@lru_cache(maxsize=8)
def cell_grid(size: tuple[int, int], strides: Strides) -> tuple[Array, Array]:
    """Return the position and the stride of each cell, in the order of the models' outputs.

    Args:
        size: width and height of the input in pixels.
        strides: the stride of each grid.

    Returns:
        N x 2 float32, the column and row of each cell in its grid; N x 1 float32, the stride of its
        grid in pixels.
    """
    positions, cell_strides = [], []
    for stride in strides:
        columns, rows = np.meshgrid(
            np.arange(_cells(size[0], stride)), np.arange(_cells(size[1], stride))
        )
        positions.append(np.stack([columns.ravel(), rows.ravel()], axis=1))
        cell_strides.append(np.full((columns.size, 1), stride))
    return (
        np.concatenate(positions).astype(np.float32),
        np.concatenate(cell_strides).astype(np.float32),
    )


def _cells(length: int, stride: int) -> int:
    """Return the number of cells along a side; the last one may be cut off."""
    return -(-length // stride)
