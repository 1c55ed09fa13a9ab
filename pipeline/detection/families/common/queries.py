"""What the DETR families share: each query predicts class logits and a box, in two outputs.

Source: https://github.com/facebookresearch/detr/blob/main/models/detr.py
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pipeline.detection.boxes import cxcywh_to_xyxy
from pipeline.detection.families.common.base import select_every_class, to_detections
from pipeline.detection.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.detection.families.common.base import Array
    from pipeline.detection.graph import Graph, Shape, TensorInfo
    from pipeline.frame import Detections

_LOGITS_NAMES, _BOXES_NAMES = ("logits", "pred_logits"), ("pred_boxes",)
# Names of the layers that predict boxes. Exports whose outputs have numbers for names keep them.
_BOX_HEADS = ("bbox_embed", "bbox_predictor", "bbox_head")
_BOX_COLUMNS = 4
_SHORT_SIDE, _LONG_SIDE = 800, 1333
# The sigmoid of larger values is 1 in float32, and the exponential of much larger ones overflows.
_LARGEST_LOGIT = 80


class QueryOutputs(NamedTuple):
    """The two outputs of a graph with N queries.

    Attributes:
        logits: 1 x N x `columns`.
        boxes: 1 x N x 4.
        columns: number of logits of each query.
    """

    logits: TensorInfo
    boxes: TensorInfo
    columns: int


def find_query_outputs(graph: Graph) -> QueryOutputs | None:
    """Find the logits and boxes by DETR's names for them, or by their shapes.

    Shapes count only if the graph has no other outputs, and layers that DETR predicts boxes with.
    """
    named = find_query_outputs_by_name(graph, _LOGITS_NAMES, _BOXES_NAMES)
    if named is not None or len(graph.outputs) != 2:  # noqa: PLR2004
        return named
    if not any(head in name for name in graph.weights for head in _BOX_HEADS):
        return None
    logits, boxes = sorted(
        graph.outputs, key=lambda tensor: _last_size(tensor.shape) == _BOX_COLUMNS
    )
    # Three classes and "no object" make 4 logits: then nothing shows which output has the boxes.
    return None if _last_size(logits.shape) == _BOX_COLUMNS else _paired(logits, boxes)


def find_query_outputs_by_name(
    graph: Graph, logits_names: tuple[str, ...], boxes_names: tuple[str, ...]
) -> QueryOutputs | None:
    """Find the logits and boxes by names; each may have any of several names."""
    logits, boxes = graph.output(*logits_names), graph.output(*boxes_names)
    return None if logits is None or boxes is None else _paired(logits, boxes)


def detr_preprocess(graph: Graph) -> Preprocess:
    """Return DETR's preprocessing: RGB, normalised with ImageNet's mean and standard deviation.

    An input of a free size keeps the image's proportions, with sides of 800 to 1333 pixels. To an
    input of a fixed size the image is stretched.
    """
    image_input = graph.image_input
    return Preprocess(
        resize="keep-ratio" if image_input.has_free_size else "stretch",
        width=image_input.width or _LONG_SIDE,
        height=image_input.height or _SHORT_SIDE,
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
    limit: int | None = None,
) -> Detections:
    """Decode 1 x N x classes logits by sigmoid, and 1 x N x 4 relative cx cy w h.

    A query can give several classes. Only the best `limit` scores are returned; by default N.
    """
    logits = outputs[0][0].astype(np.float32, copy=False)
    scores = 1 / (1 + np.exp(-np.clip(logits, -_LARGEST_LOGIT, _LARGEST_LOGIT)))
    rows, best, class_ids = select_every_class(scores, score_threshold, limit or len(scores))
    return to_detections(relative_cxcywh_to_xyxy(outputs[1][0][rows], size), best, class_ids)


def relative_cxcywh_to_xyxy(boxes: Array, size: tuple[int, int]) -> Array:
    """Return boxes as x1 y1 x2 y2 in input pixels, float32.

    Args:
        boxes: N x 4, cx cy w h relative to the input: 0 to 1.
        size: width and height of the input in pixels.
    """
    return cxcywh_to_xyxy(boxes * np.array(size * 2, dtype=np.float32))


def _paired(logits: TensorInfo, boxes: TensorInfo) -> QueryOutputs | None:
    match logits.shape, boxes.shape:
        case [_, count, int(columns)], [_, same, 4] if count == same and "float" in logits.type:
            return QueryOutputs(logits, boxes, columns)
    return None


def _last_size(shape: Shape | None) -> int | None:
    return shape[-1] if shape else None
