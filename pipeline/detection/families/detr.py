"""DETR and its kin, before any choice: a query a row, its class logits and its box.

https://github.com/facebookresearch/detr/blob/main/models/detr.py (PostProcess)
https://github.com/huggingface/transformers (post_process_object_detection of each model)
https://github.com/roboflow/rf-detr/blob/main/rfdetr/models/lwdetr.py (PostProcess)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.detection.families.family import (
    Family,
    Reading,
    best_class,
    corners,
    detections,
    every_class,
)
from pipeline.detection.families.rtdetr import class_count, stretched
from pipeline.detection.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.detection.families.family import Array
    from pipeline.detection.graph import Graph, Port
    from pipeline.frame import Detections

_SHORT_SIDE, _LONG_SIDE = 800, 1333
# COCO's numbers go up to 90, and from 0 they are 91; DETR adds a column for "no object".
_COCO_NUMBERS = 91


def read(graph: Graph) -> Reading | None:
    """Know logits whose last column is "no object": DETR and YOLOS."""
    ports = _ports(graph)
    if ports is None:
        return None
    logits, boxes, columns = ports
    names = graph.label_count or _COCO_NUMBERS
    if columns != names + 1 or logits.name == "labels":
        return None
    return Reading(
        why=f"'{logits}' has a column for \"no object\" besides {columns - 1} classes, '{boxes}' a "
        "box a query",
        preprocess=_normalised(graph),
        outputs=(logits.name, boxes.name),
        decode=decode_softmax,
        suppress=False,
        class_count=columns - 1,
    )


def read_sigmoid(graph: Graph) -> Reading | None:
    """Know logits of one column a class: RF-DETR, Deformable and Conditional DETR, RT-DETR."""
    ports = _ports(graph)
    if ports is None:
        return None
    logits, boxes, columns = ports
    # RT-DETR in transformers: its encoder scores classes too, and it is not normalised.
    is_rtdetr = any("enc_score_head" in name for name in graph.weights)
    return Reading(
        why=f"'{logits}' has a column a class, '{boxes}' a box a query",
        preprocess=stretched(graph) if is_rtdetr else _normalised(graph),
        outputs=(logits.name, boxes.name),
        decode=decode_sigmoid,
        suppress=False,
        class_count=class_count(graph) if is_rtdetr else columns,
    )


def decode_softmax(
    outputs: Sequence[Array], score_threshold: float, size: tuple[int, int]
) -> Detections:
    """Read 1 x N x (classes + 1) logits and 1 x N x 4 cx cy w h as shares of the input."""
    logits = outputs[0][0].astype(np.float32, copy=False)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    scores = powers / powers.sum(axis=1, keepdims=True)
    rows, best, ids = best_class(scores[:, :-1], score_threshold)
    return detections(_in_pixels(outputs[1][0][rows], size), best, ids)


def decode_sigmoid(
    outputs: Sequence[Array], score_threshold: float, size: tuple[int, int]
) -> Detections:
    """Read 1 x N x classes logits and 1 x N x 4 cx cy w h; the best N of all are looked at."""
    logits = outputs[0][0].astype(np.float32, copy=False)
    scores = 1 / (1 + np.exp(-np.clip(logits, -80, 80)))
    rows, best, ids = every_class(scores, score_threshold, at_most=len(scores))
    return detections(_in_pixels(outputs[1][0][rows], size), best, ids)


def _in_pixels(boxes: Array, size: tuple[int, int]) -> Array:
    return corners(boxes * np.array(size * 2, dtype=np.float32))


def _ports(graph: Graph) -> tuple[Port, Port, int] | None:
    """Find logits and boxes, and how many columns the logits have."""
    boxes = graph.output("pred_boxes", "dets", "boxes")
    logits = graph.output("logits", "pred_logits", "labels", "scores")
    if boxes is None or logits is None:
        return None
    match boxes.shape, logits.shape:
        case [_, queries, 4], [_, same, int(columns)] if queries == same and "float" in logits.type:
            return logits, boxes, columns
    return None


def _normalised(graph: Graph) -> Preprocess:
    """Return DETR's preprocessing: ImageNet's mean and spread; proportions kept if it can."""
    image = graph.image
    free = image.width is None or image.height is None
    return Preprocess(
        resize="keep-ratio" if free else "stretch",
        width=image.width or _LONG_SIDE,
        height=image.height or _SHORT_SIDE,
        filter="antialias",
        padding=0,
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
    )


FAMILY = Family(
    name="detr",
    expects='outputs logits (with "no object" last) and pred_boxes, such as DETR and YOLOS export',
    read=read,
)
SIGMOID_FAMILY = Family(
    name="detr-sigmoid",
    expects="outputs logits (a column a class) and pred_boxes, or labels and dets, such as RF-DETR "
    "and Deformable DETR export",
    read=read_sigmoid,
)
