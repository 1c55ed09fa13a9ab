"""Boxes as distributions: for each side, how likely its distance is 0, 1, 2... cells.

Li and others, Generalized Focal Loss, 2020: https://arxiv.org/abs/2006.04388
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pipeline.detection.families.family import Array

SIDES = 4


def boxes_around(centres: Array, strides: Array, distributions: Array) -> Array:
    """Turn distributions of distances into boxes.

    Args:
        centres: N x 2, x and y in input pixels.
        strides: N x 1, pixels of a cell.
        distributions: N x (4 * bins) logits, for left, top, right and bottom in turn.

    Returns:
        N x 4: x1 y1 x2 y2 in input pixels; each distance is the distribution's mean.
    """
    logits = distributions.reshape(len(distributions), SIDES, -1).astype(np.float32, copy=False)
    powers = np.exp(logits - logits.max(axis=2, keepdims=True))
    bins = np.arange(logits.shape[2], dtype=np.float32)
    distances = (powers @ bins) / powers.sum(axis=2) * strides
    return np.concatenate([centres - distances[:, :2], centres + distances[:, 2:]], axis=1)
