"""The grids of cells that anchor-free and YOLO models lay over their input."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from pipeline.detection.graph import PROBE_SIDE

if TYPE_CHECKING:
    from pipeline.detection.families.common.base import Array
    from pipeline.detection.graph import ImageInput

Strides = tuple[int, ...]
"""Pixels between two cells, a grid each."""

STRIDES: tuple[Strides, ...] = ((8, 16, 32), (8, 16, 32, 64))
"""Those that nearly all published models have."""
MORE_STRIDES: tuple[Strides, ...] = (
    *STRIDES,
    (4, 8, 16, 32),  # for small objects
    (16, 32),  # "tiny" models
    (8, 16, 32, 64, 128),
)


def input_size(image: ImageInput) -> tuple[int, int]:
    """Return the width and height in pixels that a graph's outputs are as large for."""
    return image.width or PROBE_SIDE, image.height or PROBE_SIDE


def find_strides(
    cells: int, size: tuple[int, int], known: tuple[Strides, ...] = STRIDES, anchors: int = 1
) -> Strides | None:
    """Return the strides whose grids have so many cells, of so many anchors each, in all.

    Args:
        cells: the sum over all grids.
        size: the input's width and height in pixels.
        known: the strides to choose from.
        anchors: boxes a cell.
    """
    for strides in known:
        if cells == anchors * sum(_cells(size[0], s) * _cells(size[1], s) for s in strides):
            return strides
    return None


@lru_cache(maxsize=8)
def cell_grid(size: tuple[int, int], strides: Strides) -> tuple[Array, Array]:
    """Return each cell's place, and its stride, in the order in which models flatten them.

    Args:
        size: the input's width and height in pixels.
        strides: a grid each.

    Returns:
        N x 2 float32: its column and row in its grid; N x 1 float32: the stride in pixels.
    """
    places, widths = [], []
    for stride in strides:
        columns, rows = np.meshgrid(
            np.arange(_cells(size[0], stride)), np.arange(_cells(size[1], stride))
        )
        places.append(np.stack([columns.ravel(), rows.ravel()], axis=1))
        widths.append(np.full((columns.size, 1), stride))
    return np.concatenate(places).astype(np.float32), np.concatenate(widths).astype(np.float32)


def _cells(length: int, stride: int) -> int:
    return -(-length // stride)
