"""What DETR's kin have in common: a query a row, its class logits and its box in two outputs.

https://github.com/facebookresearch/detr/blob/main/models/detr.py
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pipeline.detection.boxes import cxcywh_to_xyxy
from pipeline.detection.families.common.base import every_class, to_detections
from pipeline.detection.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.detection.families.common.base import Array
    from pipeline.detection.graph import Graph, Shape, TensorInfo
    from pipeline.frame import Detections

_LOGITS, _BOXES = ("logits", "pred_logits"), ("pred_boxes",)
# The layers that give boxes; they keep their names where the outputs lose theirs.
_BOX_HEADS = ("bbox_embed", "bbox_predictor", "bbox_head")
_SHORT_SIDE, _LONG_SIDE = 800, 1333
# Beyond it, float32 has no more to say.
_SATURATED = 80


class Queries(NamedTuple):
    """The outputs of a graph with a query a row: `1 x N x columns` logits, `1 x N x 4` boxes."""

    logits: TensorInfo
    boxes: TensorInfo
    columns: int


def find(graph: Graph) -> Queries | None:
    """Find logits and boxes by their names, or the only two outputs by shapes and weights."""
    queries = named(graph, _LOGITS, _BOXES)
    if queries is not None or len(graph.outputs) != 2:  # noqa: PLR2004
        return queries
    if not any(head in name for name in graph.weights for head in _BOX_HEADS):
        return None
    ports = sorted(graph.outputs, key=lambda port: _last(port.shape) == 4)  # noqa: PLR2004
    # Three classes and "no object" are 4 columns, too; nothing then tells which are the boxes.
    return None if _last(ports[0].shape) == 4 else _paired(*ports)  # noqa: PLR2004


def named(graph: Graph, logits: tuple[str, ...], boxes: tuple[str, ...]) -> Queries | None:
    """Find logits and boxes by their names."""
    ports = graph.output(*logits), graph.output(*boxes)
    return None if ports[0] is None or ports[1] is None else _paired(ports[0], ports[1])


def _paired(logits: TensorInfo, boxes: TensorInfo) -> Queries | None:
    match logits.shape, boxes.shape:
        case [_, count, int(columns)], [_, same, 4] if count == same and "float" in logits.type:
            return Queries(logits, boxes, columns)
    return None


def _last(shape: Shape | None) -> int | None:
    return shape[-1] if shape else None


def normalised(graph: Graph) -> Preprocess:
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


def decode_sigmoid(
    outputs: Sequence[Array],
    score_threshold: float,
    size: tuple[int, int],
    *,
    at_most: int | None = None,
) -> Detections:
    """Read 1 x N x classes logits and 1 x N x 4 cx cy w h; the best `at_most`, or N, of all."""
    logits = outputs[0][0].astype(np.float32, copy=False)
    scores = 1 / (1 + np.exp(-np.clip(logits, -_SATURATED, _SATURATED)))
    rows, best, ids = every_class(scores, score_threshold, at_most=at_most or len(scores))
    return to_detections(in_pixels(outputs[1][0][rows], size), best, ids)


def in_pixels(boxes: Array, size: tuple[int, int]) -> Array:
    """Turn N x 4 boxes from cx cy w h as shares of the input into x1 y1 x2 y2 in its pixels."""
    return cxcywh_to_xyxy(boxes * np.array(size * 2, dtype=np.float32))
