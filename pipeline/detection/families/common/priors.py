"""Priors: boxes of fixed places and sizes, from which SSD-like face detectors predict offsets.

Source: Liu and others, SSD: Single Shot MultiBox Detector, 2016: https://arxiv.org/abs/1512.02325
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pipeline.detection.boxes import cxcywh_to_xyxy
from pipeline.detection.families.common.grids import cell_grid

if TYPE_CHECKING:
    from pipeline.detection.families.common.base import Array

_CENTRE_VARIANCE, _SIZE_VARIANCE = 0.1, 0.2


class PriorGrid(NamedTuple):
    """The priors of one grid.

    Attributes:
        stride: of the grid, in pixels.
        sides: the sides of the square priors of each cell, in input pixels.
    """

    stride: int
    sides: tuple[int, ...]


def count_priors(size: tuple[int, int], grids: tuple[PriorGrid, ...]) -> int:
    """Return the number of priors of an input of this size in pixels."""
    return sum(len(cell_grid(size, (stride,))[0]) * len(sides) for stride, sides in grids)


def decode_offsets(offsets: Array, priors: Array) -> Array:
    """Return boxes as x1 y1 x2 y2, float32, in the unit of the priors.

    Args:
        offsets: N x 4: of the centre, in sizes of the prior, and logarithms of the size.
        priors: N x 4: cx cy w h.
    """
    offsets = offsets.astype(np.float32, copy=False)
    centres = priors[:, :2] + offsets[:, :2] * _CENTRE_VARIANCE * priors[:, 2:]
    sizes = priors[:, 2:] * np.exp(offsets[:, 2:] * _SIZE_VARIANCE)
    return cxcywh_to_xyxy(np.concatenate([centres, sizes], axis=1))


@lru_cache(maxsize=8)
def stretched_priors(size: tuple[int, int], grids: tuple[PriorGrid, ...]) -> Array:
    """Return the priors of grids that are stretched to the input, as cx cy w h in shares of it.

    A grid has a cell for each begun stride, and all its cells have the same size. Centres and sides
    are at most 1. Priors are in the order of the cells; those of one cell follow each other.
    """
    parts = []
    for stride, sides in grids:
        positions, _ = cell_grid(size, (stride,))
        centres = (positions + 0.5) / (positions.max(axis=0) + 1)
        side_shares = np.array([[side / size[0], side / size[1]] for side in sides])
        parts.append(_each_with_each(centres, side_shares))
    return np.asarray(np.concatenate(parts).clip(max=1), dtype=np.float32)


@lru_cache(maxsize=8)
def pixel_priors(size: tuple[int, int], grids: tuple[PriorGrid, ...]) -> Array:
    """Return the priors as cx cy w h in input pixels, in the order of `stretched_priors`."""
    parts = []
    for stride, sides in grids:
        positions, _ = cell_grid(size, (stride,))
        parts.append(_each_with_each((positions + 0.5) * stride, np.array([[s, s] for s in sides])))
    return np.concatenate(parts).astype(np.float32)


def _each_with_each(centres: Array, sides: Array) -> Array:
    """Return cx cy w h of each centre with each pair of sides."""
    repeated = np.repeat(centres, len(sides), axis=0)
    return np.concatenate([repeated, np.tile(sides, (len(centres), 1))], axis=1)
