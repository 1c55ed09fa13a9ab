"""Four outputs, as TensorRT's EfficientNMS has them: how many, boxes, scores and classes.

https://github.com/NVIDIA/TensorRT/tree/main/plugin/efficientNMSPlugin
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.detection.families.common.base import DecodeSpec, Family, to_detections
from pipeline.detection.families.ultralytics import letterboxed_by_yolov5

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.detection.families.common.base import Array
    from pipeline.detection.graph import Graph
    from pipeline.frame import Detections

_NAMES = (
    ("num_dets", "num_detections"),
    ("det_boxes", "nmsed_boxes"),
    ("det_scores", "nmsed_scores"),
    ("det_classes", "nmsed_classes"),
)
_RANKS = (None, 3, 2, 2)


def recognise(graph: Graph) -> DecodeSpec | None:
    """Know the four outputs by their names."""
    ports = [graph.output(*names, rank=r) for names, r in zip(_NAMES, _RANKS, strict=True)]
    if not all(ports):
        return None
    names = tuple(port.name for port in ports if port is not None)
    return DecodeSpec(
        why=f"its outputs are {', '.join(names)}",
        preprocess=letterboxed_by_yolov5(graph),
        outputs=names,
        decode=decode,
        needs_nms=False,
        class_count=None,
    )


def decode(outputs: Sequence[Array], score_threshold: float, _size: tuple[int, int]) -> Detections:
    """Read a count, 1 x N x 4 x1 y1 x2 y2 in input pixels, 1 x N scores and 1 x N class ids."""
    count = int(outputs[0].ravel()[0])
    boxes, scores, ids = (output[0][:count] for output in outputs[1:])
    rows = np.flatnonzero(scores >= score_threshold)
    return to_detections(boxes[rows], scores[rows], ids[rows])


FAMILY = Family(
    name="efficient-nms",
    expects="outputs num_dets, det_boxes, det_scores and det_classes",
    recognise=recognise,
)
