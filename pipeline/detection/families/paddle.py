"""PaddleDetection with its post-processing, as PicoDet and PP-YOLOE are exported by default.

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

_SCALE = "scale_factor"
_USUAL_SIZE = 640


def recognise(graph: Graph) -> DecodeSpec | None:
    """Know an input `scale_factor`, an output of `N x 6`, and how many rows of it there are."""
    if not any(port.name == _SCALE for port in graph.inputs):
        return None
    match [port.shape for port in graph.outputs]:
        case [[_, 6], [_]]:
            pass
        case _:
            return None
    image = graph.image
    return DecodeSpec(
        why=f"it takes '{_SCALE}', and '{graph.outputs[0]}' has a row an object: class, score, "
        "corners",
        preprocess=Preprocess(
            resize="stretch",
            width=image.width or _USUAL_SIZE,
            height=image.height or _USUAL_SIZE,
            filter="cubic",
        ),
        outputs=tuple(port.name for port in graph.outputs),
        decode=decode,
        needs_nms=False,
        class_count=None,
        required_card_keys=("mean", "std"),
    )


def decode(outputs: Sequence[Array], score_threshold: float, _size: tuple[int, int]) -> Detections:
    """Read N x 6: class id, score, x1 y1 x2 y2 in input pixels; and how many are one picture's.

    Where nothing is found, there is one row of class -1.
    """
    rows = outputs[0][: int(outputs[1].ravel()[0])]
    rows = rows[(rows[:, 0] >= 0) & (rows[:, 1] >= score_threshold)]
    return to_detections(rows[:, 2:], rows[:, 1], np.rint(rows[:, 0]))


FAMILY = Family(
    name="paddle",
    expects="an input scale_factor, and outputs of N x 6 and of their count, such as "
    "PaddleDetection exports with its post-processing",
    recognise=recognise,
)
