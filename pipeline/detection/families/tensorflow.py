"""TensorFlow's Object Detection API, converted with tf2onnx.

Graph: outputs `detection_boxes` (1 x N x 4), `detection_classes` (1 x N), `detection_scores`
(1 x N) and `num_detections`; others can follow.
Preprocessing: RGB, 0 to 255, because the graph scales and normalises the image. An input of a free
size gets the image as it is; to one of a fixed size it is stretched. Graphs that were cut after
their own preprocessing get -1 to 1.
Decoding: boxes are y1 x1 y2 x2 relative to the input; class ids begin with 1. No NMS.

Sources:
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

_OUTPUT_RANKS = {
    "detection_boxes": 3,
    "detection_classes": 2,
    "detection_scores": 2,
    "num_detections": None,
}
# Outputs with a score for each class and for the background.
_CLASS_SCORE_OUTPUTS = ("detection_multiclass_scores", "raw_detection_scores")
# Models with COCO's original category ids, 1 to 90, have 90 classes. These are the widths of their
# two heads, for classes and for boxes.
_COCO_CATEGORY_IDS = 90
_COCO_HEAD_WIDTHS = (
    # SSD: for each of 3, 6 or 9 anchors the classes, or these and the background; and 4 values.
    *((columns * anchors, 4 * anchors) for columns in (90, 91) for anchors in (3, 6, 9)),
    # Faster R-CNN: the classes and the background; 4 values for each class.
    (91, 4 * 90),
    # CenterNet: a heat map for each class; 2 values for the size of a box.
    (90, 2),
)
# The image input of a graph that was cut after its own preprocessing begins with this name.
_CUT_GRAPH_INPUT = "Preprocessor"
_HALF_RANGE = 127.5


def recognise(graph: Graph) -> DecodeSpec | None:
    """Recognise the four outputs by their names and ranks."""
    tensors = [graph.output(name, rank=rank) for name, rank in _OUTPUT_RANKS.items()]
    if not all(tensors):
        return None
    names = tuple(tensor.name for tensor in tensors if tensor is not None)
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
    """Decode 1 x N x 4 relative y1 x1 y2 x2, 1 x N class ids, 1 x N scores, and a count."""
    count = int(outputs[3].ravel()[0])
    boxes, class_ids, scores = (output[0][:count] for output in outputs[:3])
    rows = np.flatnonzero(scores >= score_threshold)
    boxes = relative_yxyx_to_xyxy(boxes[rows], size)
    return to_detections(boxes, scores[rows], np.rint(class_ids[rows]))


def relative_yxyx_to_xyxy(boxes: Array, size: tuple[int, int]) -> Array:
    """Return boxes as x1 y1 x2 y2 in input pixels.

    Args:
        boxes: N x 4, y1 x1 y2 x2 relative to the input: 0 to 1.
        size: width and height of the input in pixels.
    """
    return boxes[:, [1, 0, 3, 2]] * np.array(size * 2, dtype=np.float32)


def coco_class_count(graph: Graph) -> int | None:
    """Return 90 if no labels are known and the heads are as wide as COCO's; else None."""
    if graph.label_count is not None:
        return None
    widths = {width for shape in graph.weights.values() for width in (shape[:1] + shape[-1:])}
    is_coco = any(widths.issuperset(head_widths) for head_widths in _COCO_HEAD_WIDTHS)
    return _COCO_CATEGORY_IDS if is_coco else None


def _preprocess(graph: Graph) -> Preprocess:
    image_input = graph.image_input
    mean = _HALF_RANGE if image_input.name.startswith(_CUT_GRAPH_INPUT) else 0.0
    return Preprocess(
        resize="none" if image_input.has_free_size else "stretch",
        width=image_input.width or 0,
        height=image_input.height or 0,
        scale=1.0,
        mean=(mean,) * 3,
        std=(mean or 1.0,) * 3,
    )


def _class_count(graph: Graph) -> int | None:
    """Return the number of classes that an output has scores for, or COCO's by the weights."""
    scores = graph.output(*_CLASS_SCORE_OUTPUTS)
    if scores is not None and scores.shape is not None and scores.shape[-1] is not None:
        return scores.shape[-1] - 1
    return coco_class_count(graph)


FAMILY = Family(
    name="tensorflow",
    expects="outputs detection_boxes, detection_classes, detection_scores and num_detections, such "
    "as TensorFlow's Object Detection API exports",
    recognise=recognise,
)
