"""Whether what was read of a model's outputs can be so: what is another family's is out of bounds.

A misread model finds nothing, or nonsense, and no error would tell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.errors import BrokenError

if TYPE_CHECKING:
    from pipeline.detection.model import Model
    from pipeline.frame import Detections

# Half-precision sigmoids may round to a hair more than 1.
_HIGHEST_SCORE = 1.001
# So many inputs away lies no box of any model; pixels that are read as shares lie hundreds away.
_FARTHEST = 20
# Boxes as shares of the input, read as pixels, all lie within its first two; a few may by chance.
_SHARES, _BY_CHANCE = 2.0, 10


def check_plausible(found: Detections, canvas: tuple[int, int], model: Model) -> None:
    """Check what a model found in an input.

    Args:
        found: boxes in input pixels.
        canvas: the input's width and height in pixels.
        model: tells how it was read.

    Raises:
        BrokenError: scores or boxes show that it is of another family.
    """
    if not len(found):
        return
    highest, farthest = found.scores.max(), np.abs(found.boxes).max(axis=1)
    if highest > _HIGHEST_SCORE:
        what = f"scores an object {highest:g}, where 1 is the most,"
    elif np.median(farthest) > _FARTHEST * max(canvas):
        what = f"finds boxes at {np.median(farthest):.0f} pixels"
    elif len(found) > _BY_CHANCE and 0 < farthest.max() <= _SHARES < min(canvas):
        what = f"finds all of {len(found)} boxes within {_SHARES:g} pixels"
    else:
        return
    raise BrokenError(
        f"Model {model.name} {what} in an input of {canvas[0]} x {canvas[1]}: it is none of the "
        f"family '{model.family}'. Put the right 'family' on its card."
    )
