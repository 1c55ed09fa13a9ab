"""torchvision's detectors, which scale and normalise the picture themselves.

https://docs.pytorch.org/vision/stable/models.html#object-detection
https://github.com/pytorch/vision/blob/main/torchvision/models/detection/transform.py
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.detection.families.common.base import DecodeSpec, Family, to_detections
from pipeline.detection.preprocess import Preprocess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.detection.families.common.base import Array
    from pipeline.detection.graph import Graph, TensorInfo
    from pipeline.frame import Detections

# The biases that tell how many classes there are. Faster R-CNN and its kin score them at once;
# RetinaNet, FCOS and SSD for each of so many anchors, which have 4 numbers for their boxes each.
_CLASSES = r"box_predictor\.cls_score\.bias$"
_CLASSES_OF_ANCHORS = r"classification_head\.(cls_logits|module_list\.0(\.1)?)\.bias$"
_BOXES_OF_ANCHORS = r"regression_head\.(bbox_reg|module_list\.0(\.1)?)\.bias$"
# RetinaNet and FCOS score each class for itself: no id needs to be the background.
_WITHOUT_BACKGROUND = "classification_head.cls_logits.bias"
# Detectron2 has some of the same names, and takes its pictures otherwise.
_DETECTRON = "proposal_generator"


def recognise(graph: Graph) -> DecodeSpec | None:
    """Know N x 4 boxes, N labels and N scores, in any order and under any name."""
    ports = roles(graph)
    if ports is None or any(_DETECTRON in name for name in graph.weights):
        return None
    image = graph.image
    free = image.width is None or image.height is None
    classes, first = _classes(graph)
    return DecodeSpec(
        why="it gives N x 4 boxes, N labels and N scores, without a batch",
        preprocess=Preprocess(
            resize="none" if free else "stretch",
            width=image.width or 0,
            height=image.height or 0,
        ),
        outputs=tuple(port.name for port in ports),
        decode=decode,
        needs_nms=False,
        class_count=classes,
        first_class_id=first,
    )


def decode(outputs: Sequence[Array], score_threshold: float, _size: tuple[int, int]) -> Detections:
    """Read N x 4 x1 y1 x2 y2 in input pixels, N class ids and N scores."""
    boxes, ids, scores = outputs
    rows = np.flatnonzero(scores >= score_threshold)
    return to_detections(boxes[rows], scores[rows], ids[rows])


def roles(graph: Graph) -> tuple[TensorInfo, TensorInfo, TensorInfo] | None:
    """Find boxes, labels and scores by types and ranks; masks and points may be there besides."""
    found: dict[str, TensorInfo] = {}
    for port in graph.outputs:
        found.setdefault(_role(port), port)
    # Detectron2 gives the picture's size as well: two whole numbers, as labels are.
    numbers = [port for port in graph.outputs if _role(port) == "labels"]
    if len(graph.inputs) > 1 or len(numbers) != 1 or not {"boxes", "scores"} <= found.keys():
        return None
    return found["boxes"], found["labels"], found["scores"]


def _role(port: TensorInfo) -> str:
    match port.type, port.shape:
        case "float32" | "float16", [_, 4]:
            return "boxes"
        case "int64" | "int32", [_]:
            return "labels"
        case "float32" | "float16", [_]:
            return "scores"
    return "other"


def _classes(graph: Graph) -> tuple[int | None, int]:
    """Return how many classes its head scores (None: not to be seen), and the id of the first."""
    columns = graph.bias_width(_CLASSES)
    of_anchors, sides = map(graph.bias_width, (_CLASSES_OF_ANCHORS, _BOXES_OF_ANCHORS))
    if of_anchors is not None and sides is not None:
        columns = of_anchors * 4 // sides
    if columns is None:
        return None, 1
    separate = any(name.endswith(_WITHOUT_BACKGROUND) for name in graph.weights)
    if separate and graph.label_count != columns - 1:
        return columns, 0
    return columns - 1, 1


FAMILY = Family(
    name="torchvision",
    expects="outputs boxes (N x 4), labels (N, int64) and scores (N), such as torchvision exports",
    recognise=recognise,
)
