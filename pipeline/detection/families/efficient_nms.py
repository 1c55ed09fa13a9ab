"""Models that end with TensorRT's EfficientNMS, or with the same four outputs.

Graph: outputs `num_dets`, `det_boxes` (1 x N x 4), `det_scores` (1 x N) and `det_classes` (1 x N),
or the same with the names `num_detections` and `nmsed_...`.
Preprocessing: YOLOv5's letterbox.
Decoding: boxes are x1 y1 x2 y2 in input pixels; rows after the first `num_dets` are unused. No NMS.

Source: https://github.com/NVIDIA/TensorRT/tree/main/plugin/efficientNMSPlugin
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.detection.families.common.base import DecodeSpec, Family, to_detections
from pipeline.detection.families.common.ultralytics_export import yolov5_preprocess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.detection.families.common.base import Array
    from pipeline.detection.graph import Graph
    from pipeline.frame import Detections

# For each output, the names it can have.
_NAMES = (
    ("num_dets", "num_detections"),
    ("det_boxes", "nmsed_boxes"),
    ("det_scores", "nmsed_scores"),
    ("det_classes", "nmsed_classes"),
)
_RANKS = (None, 3, 2, 2)


def recognise(graph: Graph) -> DecodeSpec | None:
    """Recognise the four outputs by their names and ranks."""
    tensors = [graph.output(*names, rank=rank) for names, rank in zip(_NAMES, _RANKS, strict=True)]
    if not all(tensors):
        return None
    names = tuple(tensor.name for tensor in tensors if tensor is not None)
    return DecodeSpec(
        why=f"its outputs are {', '.join(names)}",
        preprocess=yolov5_preprocess(graph),
        outputs=names,
        decode=decode,
        needs_nms=False,
        class_count=None,
    )


def decode(outputs: Sequence[Array], score_threshold: float, _size: tuple[int, int]) -> Detections:
    """Decode a count, 1 x N x 4 x1 y1 x2 y2 in input pixels, 1 x N scores and 1 x N class ids."""
    count = int(outputs[0].ravel()[0])
    boxes, scores, class_ids = (output[0][:count] for output in outputs[1:])
    rows = np.flatnonzero(scores >= score_threshold)
    return to_detections(boxes[rows], scores[rows], class_ids[rows])


FAMILY = Family(
    name="efficient-nms",
    expects="outputs num_dets, det_boxes, det_scores and det_classes",
    recognise=recognise,
)
