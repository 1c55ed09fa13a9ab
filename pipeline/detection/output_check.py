"""Check that outputs, and the boxes and scores decoded from them, are possible.

Impossible values show a broken model, or one of another family. Without this check they give no
boxes or wrong boxes, and no error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.errors import BrokenError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pipeline.detection.families.common.base import Array
    from pipeline.detection.model import Model
    from pipeline.frame import Detections

# Sigmoids in float16 can be slightly more than 1, and sums of probabilities slightly less than 0.
_MIN_SCORE, _MAX_SCORE = -0.001, 1.001
# No model predicts boxes this many input sizes away. If pixels are taken for values from 0 to 1,
# boxes are hundreds of input sizes away.
_MAX_INPUT_SIZES_AWAY = 20
# No model gives boxes whose right edge lies left of the left edge by more than rounding. If offsets
# from anchors, or centres and sizes, are taken for corners, most boxes are like this.
_MAX_ROUNDING_PIXELS = 1.0


def check_finite(outputs: Sequence[Array], model: Model) -> None:
    """Check that all values of the outputs are numbers, before any threshold.

    Comparisons with NaN are false, so that NaN would give no objects, and no error.

    Args:
        outputs: the arrays that `model.spec.outputs` names.
        model: the model; the error names it.

    Raises:
        BrokenError: an output has NaN or infinite values.
    """
    for name, output in zip(model.spec.outputs, outputs, strict=True):
        if not np.issubdtype(output.dtype, np.floating):
            continue
        count = output.size - int(np.count_nonzero(np.isfinite(output)))
        if count:
            raise BrokenError(
                f"Model {model.name} gives values that are not finite numbers, {count} of "
                f"{output.size} in its output '{name}'. Models in float16 do so where a value is "
                "too large: export the model in float32. If it is in float32, its weights are "
                "damaged, or it needs another scale of pixels: correct scale, mean and std below "
                "[preprocess] on its model card."
            )


def check_scores(scores: NDArray[np.float32], model: Model) -> None:
    """Check all scores of an image, also those below the threshold.

    Raises:
        BrokenError: they cannot be scores.
    """
    worst = scores.min(initial=0)
    if worst < _MIN_SCORE:
        raise BrokenError(
            f"Model {model.name} gives a score of {worst:g}, but scores are from 0 to 1: they may "
            f"be logits, or the model is not of the family '{model.family}'. Export the model with "
            "the sigmoid or softmax at its end, or correct the 'family' on its model card."
        )


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
    scores, count = detections.scores, len(detections)
    distance = np.median(np.abs(detections.boxes).max(axis=1))
    sides = detections.boxes[:, 2:] - detections.boxes[:, :2]
    inside_out = int((sides < -_MAX_ROUNDING_PIXELS).any(axis=1).sum())
    if scores.max() > _MAX_SCORE:
        problem = f"gives a score of {scores.max():g}, but scores are at most 1"
    elif inside_out > count / 2:
        problem = f"gives {count} boxes, {inside_out} of which end before they begin"
    elif distance > _MAX_INPUT_SIZES_AWAY * max(input_size):
        problem = f"gives boxes at {distance:.0f} pixels"
        if model.spec.box_unit == "shares":
            raise BrokenError(
                f"Model {model.name} {problem}, in an input of {input_size[0]} x {input_size[1]}, "
                'if its boxes are shares of the input. Write box_unit = "pixels" on its model card.'
            )
    else:
        return
    raise BrokenError(
        f"Model {model.name} {problem}, in an input of {input_size[0]} x {input_size[1]} pixels: "
        f"it is not of the family '{model.family}'. Correct the 'family' on its model card."
    )
