"""SSD before suppression: boxes as shares of the picture, and a score a class, 0 the background.

https://github.com/qfgaohao/pytorch-ssd/blob/master/convert_to_caffe2_models.py
https://github.com/Linzaer/Ultra-Light-Fast-Generic-Face-Detector-1MB
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.detection.families.common.base import DecodeSpec, Family, every_class, to_detections
from pipeline.detection.preprocess import Preprocess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.detection.families.common.base import Array
    from pipeline.detection.graph import Graph
    from pipeline.frame import Detections

_USUAL_SIZE = 300
# Pixels from -1 to 1, as both repositories train.
_MEAN, _STD = 127.0, 128.0


def recognise(graph: Graph) -> DecodeSpec | None:
    """Know `boxes` of 1 x N x 4 and `scores` of 1 x N x (1 + classes)."""
    boxes, scores = graph.output("boxes"), graph.output("scores")
    if boxes is None or scores is None or len(graph.outputs) > 2:  # noqa: PLR2004
        return None
    match boxes.shape, scores.shape:
        case [_, rows, 4], [_, same, int(columns)] if rows == same and columns > 1:
            pass
        case _:
            return None
    image = graph.image
    return DecodeSpec(
        why=f"'{boxes}' and '{scores}' have a row an anchor, the first class is the background",
        preprocess=Preprocess(
            resize="stretch",
            width=image.width or _USUAL_SIZE,
            height=image.height or _USUAL_SIZE,
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
    """Read 1 x N x 4 x1 y1 x2 y2 as shares of the input, and 1 x N x (1 + classes) scores."""
    rows, scores, ids = every_class(outputs[1][0][:, 1:], score_threshold)
    boxes = outputs[0][0][rows] * np.array(size * 2, dtype=np.float32)
    return to_detections(boxes, scores, ids + 1)


FAMILY = Family(
    name="ssd",
    expects="outputs boxes (1 x N x 4) and scores (1 x N x (1 + classes)), before suppression",
    recognise=recognise,
)
