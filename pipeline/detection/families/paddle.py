"""PaddleDetection with its post-processing, the default export of PicoDet and PP-YOLOE.

Graph: an input `scale_factor` besides the image; an output of N x 6 and one with the number of
rows.
Preprocessing: stretched, with OpenCV's bicubic filter; RGB. Models differ in mean and standard
deviation, so that both must be on the model card.
Decoding: the columns are class id, score, x1 y1 x2 y2 in input pixels. No NMS.

Sources:
https://github.com/PaddlePaddle/PaddleDetection/blob/release/2.8/deploy/EXPORT_MODEL_en.md
https://github.com/PaddlePaddle/PaddleDetection/blob/release/2.8/deploy/third_engine/onnx/infer.py
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.detection.families.common.base import DecodeSpec, Family, to_detections
from pipeline.detection.preprocess import Preprocess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.detection.families.common.base import Array
    from pipeline.detection.graph import Graph
    from pipeline.frame import Detections

_SCALE_INPUT = "scale_factor"
_USUAL_SIZE = 640


def recognise(graph: Graph) -> DecodeSpec | None:
    """Recognise the input `scale_factor`, and two outputs: `N x 6`, then the number of rows."""
    if not any(tensor.name == _SCALE_INPUT for tensor in graph.inputs):
        return None
    match [tensor.shape for tensor in graph.outputs]:
        case [[_, 6], [_]]:
            pass
        case _:
            return None
    image_input = graph.image_input
    return DecodeSpec(
        why=f"it has an input '{_SCALE_INPUT}', and '{graph.outputs[0]}' has one row for each "
        "object: class, score and box",
        preprocess=Preprocess(
            resize="stretch",
            width=image_input.width or _USUAL_SIZE,
            height=image_input.height or _USUAL_SIZE,
            filter="cubic",
        ),
        outputs=tuple(tensor.name for tensor in graph.outputs),
        decode=decode,
        needs_nms=False,
        class_count=None,
        required_card_keys=("mean", "std"),
    )


def decode(outputs: Sequence[Array], score_threshold: float, _size: tuple[int, int]) -> Detections:
    """Decode N x 6: class id, score, x1 y1 x2 y2 in input pixels; and the number of rows.

    An image without objects has one row with class id -1.
    """
    rows = outputs[0][: int(outputs[1].ravel()[0])]
    rows = rows[(rows[:, 0] >= 0) & (rows[:, 1] >= score_threshold)]
    return to_detections(rows[:, 2:], rows[:, 1], np.rint(rows[:, 0]))


FAMILY = Family(
    name="paddle",
    expects="an input scale_factor, an output of N x 6 and an output with the number of rows, such "
    "as PaddleDetection exports with its post-processing",
    recognise=recognise,
)
