"""Check that decoded boxes and scores are possible, to find models of another family.

Outputs that are decoded as those of the wrong family give no boxes or wrong boxes, and no error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.errors import BrokenError

if TYPE_CHECKING:
    from pipeline.detection.model import Model
    from pipeline.frame import Detections

# Sigmoids in float16 can be slightly more than 1.
_MAX_SCORE = 1.001
# No model predicts boxes this many input sizes away. If pixels are taken for values from 0 to 1,
# boxes are hundreds of input sizes away.
_MAX_INPUT_SIZES_AWAY = 20
# If values from 0 to 1 are taken for pixels, all boxes are within the first two pixels. A few real
# boxes can be there by chance.
_CORNER_PIXELS, _MAX_BOXES_IN_CORNER = 2.0, 10


def check_plausible(detections: Detections, input_size: tuple[int, int], model: Model) -> None:
    """Check the detections in one image, before they are mapped to the image.

    Args:
        detections: boxes in input pixels.
        input_size: width and height of the input in pixels.
        model: the model; the error names it and its family.

    Raises:
        BrokenError: scores or boxes show that the model is of another family.
    """
    if not len(detections):
        return
    best_score, distances = detections.scores.max(), np.abs(detections.boxes).max(axis=1)
    count, distance = len(detections), np.median(distances)
    if best_score > _MAX_SCORE:
        problem = f"gives a score of {best_score:g}, but scores are at most 1"
    elif distance > _MAX_INPUT_SIZES_AWAY * max(input_size):
        problem = f"gives boxes at {distance:.0f} pixels"
    elif count > _MAX_BOXES_IN_CORNER and 0 < distances.max() <= _CORNER_PIXELS < min(input_size):
        problem = f"gives {count} boxes that are all within the first {_CORNER_PIXELS:g} pixels"
    else:
        return
    raise BrokenError(
        f"Model {model.name} {problem}, in an input of {input_size[0]} x {input_size[1]} pixels: "
        f"it is not of the family '{model.family}'. Correct the 'family' on its model card."
    )
