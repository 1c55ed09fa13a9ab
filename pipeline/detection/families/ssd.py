"""SSD before NMS: a box and class scores for each anchor.

Graph: outputs `boxes`, 1 x N x 4, and `scores`, 1 x N x (1 + classes).
Preprocessing: stretched; RGB; (pixel - 127) / 128, which is -1 to 1.
Decoding: boxes are x1 y1 x2 y2 relative to the input; class 0 is the background. Needs NMS.

Sources:
https://github.com/qfgaohao/pytorch-ssd/blob/master/convert_to_caffe2_models.py
https://github.com/Linzaer/Ultra-Light-Fast-Generic-Face-Detector-1MB
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.detection.families.common.base import (
    DecodeSpec,
    Family,
    select_every_class,
    to_detections,
)
from pipeline.detection.preprocess import Preprocess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.detection.families.common.base import Array
    from pipeline.detection.graph import Graph
    from pipeline.frame import Detections

_USUAL_SIZE = 300
_MEAN, _STD = 127.0, 128.0


def recognise(graph: Graph) -> DecodeSpec | None:
    """Recognise two outputs `boxes` and `scores` with the same number of rows."""
    boxes, scores = graph.output("boxes"), graph.output("scores")
    if boxes is None or scores is None or len(graph.outputs) > 2:  # noqa: PLR2004
        return None
    match boxes.shape, scores.shape:
        case [_, rows, 4], [_, same, int(columns)] if rows == same and columns > 1:
            pass
        case _:
            return None
    image_input = graph.image_input
    return DecodeSpec(
        why=f"'{boxes}' and '{scores}' have one row for each anchor; class 0 is the background",
        preprocess=Preprocess(
            resize="stretch",
            width=image_input.width or _USUAL_SIZE,
            height=image_input.height or _USUAL_SIZE,
            scale=1.0,
            mean=(_MEAN,) * 3,
            std=(_STD,) * 3,
        ),
        outputs=(boxes.name, scores.name),
        decode=decode,
        needs_nms=True,
        class_count=columns - 1,
        first_class_id=1,
    )


def decode(outputs: Sequence[Array], score_threshold: float, size: tuple[int, int]) -> Detections:
    """Decode 1 x N x 4 relative x1 y1 x2 y2, and 1 x N x (1 + classes) scores."""
    rows, scores, class_ids = select_every_class(outputs[1][0][:, 1:], score_threshold)
    boxes = outputs[0][0][rows] * np.array(size * 2, dtype=np.float32)
    return to_detections(boxes, scores, class_ids + 1)


FAMILY = Family(
    name="ssd",
    expects="outputs boxes (1 x N x 4) and scores (1 x N x (1 + classes)), before NMS",
    recognise=recognise,
)
