"""torchvision's detectors: Faster and Mask R-CNN, RetinaNet, FCOS, SSD.

Graph: outputs of N x 4 floats, N integers and N floats, without a batch, under any names and in any
order; masks and keypoints can follow.
Preprocessing: RGB, 0 to 1, because the graph scales and normalises the image. An input of a free
size gets the image as it is; to one of a fixed size it is stretched.
Decoding: boxes are x1 y1 x2 y2 in input pixels. Class 0 is the background, except for RetinaNet and
FCOS trained without one. Other code exports the same outputs with class 0 as the first class: if
the names of the weights do not show torchvision's heads, the card must say which. No NMS.

Sources:
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

# Biases whose width shows the number of classes. Faster and Mask R-CNN have one value for each
# class.
_CLASS_HEAD = r"box_predictor\.cls_score\.bias$"
# RetinaNet, FCOS and SSD have a value for each class of each anchor, and 4 for the anchor's box.
_ANCHOR_CLASS_HEAD = r"classification_head\.(cls_logits|module_list\.0(\.1)?)\.bias$"
_ANCHOR_BOX_HEAD = r"regression_head\.(bbox_reg|module_list\.0(\.1)?)\.bias$"
_VALUES_PER_BOX = 4
# RetinaNet and FCOS have a sigmoid for each class, so that they need no class for the background.
_SIGMOID_HEAD = "classification_head.cls_logits.bias"
# Detectron2 has outputs of these shapes and some layers of these names, but other preprocessing.
_DETECTRON2_LAYER = "proposal_generator"


def recognise(graph: Graph) -> DecodeSpec | None:
    """Recognise N x 4 boxes, N labels and N scores by their types and shapes."""
    outputs = find_outputs(graph)
    if outputs is None or any(_DETECTRON2_LAYER in name for name in graph.weights):
        return None
    image_input = graph.image_input
    class_count, first_class_id = _classes(graph)
    return DecodeSpec(
        why="its outputs are N x 4 boxes, N labels and N scores, without a batch",
        preprocess=Preprocess(
            resize="none" if image_input.has_free_size else "stretch",
            width=image_input.width or 0,
            height=image_input.height or 0,
        ),
        outputs=tuple(tensor.name for tensor in outputs),
        decode=decode,
        needs_nms=False,
        class_count=class_count,
        first_class_id=first_class_id,
    )


def decode(outputs: Sequence[Array], score_threshold: float, _size: tuple[int, int]) -> Detections:
    """Decode N x 4 x1 y1 x2 y2 in input pixels, N class ids and N scores."""
    boxes, class_ids, scores = outputs
    rows = np.flatnonzero(scores >= score_threshold)
    return to_detections(boxes[rows], scores[rows], class_ids[rows])


def find_outputs(graph: Graph) -> tuple[TensorInfo, TensorInfo, TensorInfo] | None:
    """Return the boxes, labels and scores of a graph with one input; None if one is missing."""
    by_role: dict[str, TensorInfo] = {}
    for tensor in graph.outputs:
        by_role.setdefault(_role(tensor), tensor)
    # Detectron2 has a second output of integers: the size of the image.
    labels = [tensor for tensor in graph.outputs if _role(tensor) == "labels"]
    if len(graph.inputs) > 1 or len(labels) != 1 or not {"boxes", "scores"} <= by_role.keys():
        return None
    return by_role["boxes"], by_role["labels"], by_role["scores"]


def _role(tensor: TensorInfo) -> str:
    match tensor.type, tensor.shape:
        case "float32" | "float16", [_, 4]:
            return "boxes"
        case "int64" | "int32", [_]:
            return "labels"
        case "float32" | "float16", [_]:
            return "scores"
    return "other"


def _classes(graph: Graph) -> tuple[int | None, int | None]:
    """Return the number of classes and the first class id; None if the weights do not show them."""
    columns = graph.bias_width(_CLASS_HEAD)
    class_head_width, box_head_width = map(graph.bias_width, (_ANCHOR_CLASS_HEAD, _ANCHOR_BOX_HEAD))
    if class_head_width is not None and box_head_width is not None:
        columns = class_head_width * _VALUES_PER_BOX // box_head_width
    if columns is None:
        return None, None
    has_sigmoid = any(name.endswith(_SIGMOID_HEAD) for name in graph.weights)
    if has_sigmoid and graph.label_count != columns - 1:
        return columns, 0
    return columns - 1, 1


FAMILY = Family(
    name="torchvision",
    expects="outputs boxes (N x 4), labels (N, int64) and scores (N), such as torchvision exports",
    recognise=recognise,
)
