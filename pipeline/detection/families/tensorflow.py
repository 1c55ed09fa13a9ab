"""TensorFlow's Object Detection API after suppression; the graph scales and normalises the picture.

https://github.com/tensorflow/models/blob/master/research/object_detection/exporter_lib_v2.py
https://github.com/onnx/tensorflow-onnx
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

_RANKS = {
    "detection_boxes": 3,
    "detection_classes": 2,
    "detection_scores": 2,
    "num_detections": None,
}
# They score the background, too.
_SCORES_OF_ALL = ("detection_multiclass_scores", "raw_detection_scores")
# COCO's numbers go up to 90. What heads trained on them give: for each of 3, 6 or 9 anchors as many
# scores, or one more for the background, and 4 numbers for the box; Faster R-CNN a box for each;
# CenterNet a map for each, and 2 for the size.
_COCO_NUMBERS = 90
_COCO_HEADS = (
    *((numbers * anchors, 4 * anchors) for numbers in (90, 91) for anchors in (3, 6, 9)),
    (91, 4 * 90),
    (90, 2),
)
# Graphs that are cut off behind their preprocessing start with this.
_CUT_OFF = "Preprocessor"
_HALF = 127.5


def recognise(graph: Graph) -> DecodeSpec | None:
    """Know `detection_boxes` and its companions by their names; others may be there besides."""
    ports = [graph.output(name, rank=rank) for name, rank in _RANKS.items()]
    if not all(ports):
        return None
    names = tuple(port.name for port in ports if port is not None)
    return DecodeSpec(
        why=f"its outputs are {', '.join(names)}",
        preprocess=_preprocess(graph),
        outputs=names,
        decode=decode,
        needs_nms=False,
        class_count=_class_count(graph),
        first_class_id=1,
    )


def decode(outputs: Sequence[Array], score_threshold: float, size: tuple[int, int]) -> Detections:
    """Read 1 x N x 4 y1 x1 y2 x2 as shares of the picture, 1 x N class ids and scores, a count."""
    count = int(outputs[3].ravel()[0])
    boxes, ids, scores = (output[0][:count] for output in outputs[:3])
    rows = np.flatnonzero(scores >= score_threshold)
    return to_detections(in_pixels(boxes[rows], size), scores[rows], np.rint(ids[rows]))


def in_pixels(boxes: Array, size: tuple[int, int]) -> Array:
    """Turn N x 4 boxes from y1 x1 y2 x2 as shares of the input into x1 y1 x2 y2 in its pixels."""
    return boxes[:, [1, 0, 3, 2]] * np.array(size * 2, dtype=np.float32)


def coco_classes(graph: Graph) -> int | None:
    """Return how many numbers COCO has, if no labels are known and the heads are as wide."""
    if graph.label_count is not None:
        return None
    widths = {width for shape in graph.weights.values() for width in (shape[:1] + shape[-1:])}
    return _COCO_NUMBERS if any(widths.issuperset(head) for head in _COCO_HEADS) else None


def _preprocess(graph: Graph) -> Preprocess:
    image = graph.image
    free = image.width is None or image.height is None
    mean = _HALF if image.name.startswith(_CUT_OFF) else 0.0
    return Preprocess(
        resize="none" if free else "stretch",
        width=image.width or 0,
        height=image.height or 0,
        scale=1.0,
        mean=(mean,) * 3,
        std=(mean or 1.0,) * 3,
    )


def _class_count(graph: Graph) -> int | None:
    """Return how many classes an output tells, or the weights, if they are COCO's."""
    port = graph.output(*_SCORES_OF_ALL)
    if port is not None and port.shape is not None and port.shape[-1] is not None:
        return port.shape[-1] - 1
    return coco_classes(graph)


FAMILY = Family(
    name="tensorflow",
    expects="outputs detection_boxes, detection_classes, detection_scores and num_detections, such "
    "as TensorFlow's Object Detection API exports",
    recognise=recognise,
)
