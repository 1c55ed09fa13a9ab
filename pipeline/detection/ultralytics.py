"""The output layout of Ultralytics v8 and its kin: one tensor of boxes and class scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.frame import Detections

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BOX_ROWS = 4


def fits(output_shape: tuple[object, ...], class_count: int) -> bool:
    """Tell whether an output of this shape is of this layout: 1 x (4 + classes) x N."""
    return len(output_shape) == 3 and output_shape[1] == _BOX_ROWS + class_count  # noqa: PLR2004


def decode(
    output: NDArray[np.float32], score_threshold: float, allowed: NDArray[np.int64] | None
) -> Detections:
    """Read the candidates of one picture; each anchor stands for its best class.

    Args:
        output: (4 + classes) x N: cx, cy, w, h in input pixels, then a score a class.
        score_threshold: the lowest score to take.
        allowed: the class ids to look at; None: all.

    Returns:
        Candidates before NMS, boxes as x1 y1 x2 y2 in input pixels.
    """
    scores = output[_BOX_ROWS:]
    ids = np.arange(len(scores)) if allowed is None else allowed
    scores = scores[ids]
    best = scores.argmax(axis=0)
    best_scores = scores[best, np.arange(scores.shape[1])]
    chosen = np.flatnonzero(best_scores >= score_threshold)
    centre, size = output[0:2, chosen].T, output[2:4, chosen].T
    boxes = np.concatenate([centre - size / 2, centre + size / 2], axis=1)
    return Detections(boxes.astype(np.float32), best_scores[chosen], ids[best[chosen]])
