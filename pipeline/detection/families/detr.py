"""DETR and its kin with softmax: a query a row, whose last class is "no object".

https://github.com/facebookresearch/detr/blob/main/models/detr.py (PostProcess)
https://github.com/huggingface/transformers/tree/main/src/transformers/models/detr
https://github.com/huggingface/transformers/tree/main/src/transformers/models/yolos
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pipeline.detection.families.common import queries
from pipeline.detection.families.common.base import DecodeSpec, Family, best_class, to_detections

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.detection.families.common.base import Array
    from pipeline.detection.graph import Graph
    from pipeline.detection.preprocess import Preprocess
    from pipeline.frame import Detections

# Layers that score with softmax; other DETRs have some of the same names, and layers of the second
# list, too.
_YOLOS_HEAD, _YOLOS_PATCH = "class_labels_classifier.layers.2.bias", 16
_SOFTMAX_HEADS = (
    "class_embed.bias",  # DETR
    "class_labels_classifier.bias",  # DETR in transformers
    _YOLOS_HEAD,
)
_SIGMOID_LAYERS = (
    "ref_point_head",  # Conditional DETR and DAB-DETR
    "ref_anchor_head",  # DAB-DETR
    "sampling_offsets",  # Deformable DETR, RT-DETR, RF-DETR
    "score_head",  # RT-DETR
)
# COCO's numbers go up to 90, and from 0 they are 91.
_COCO_NUMBERS = 91


def recognise(graph: Graph) -> DecodeSpec | None:
    """Know logits whose last column is "no object": DETR and YOLOS."""
    found = queries.find(graph)
    if found is None or not _has_no_object(graph, found.columns):
        return None
    classes = found.columns - 1
    return DecodeSpec(
        why=f"'{found.logits}' has a column for \"no object\" besides {classes} classes, "
        f"'{found.boxes}' a box a query",
        preprocess=_preprocess(graph),
        outputs=(found.logits.name, found.boxes.name),
        decode=decode,
        needs_nms=False,
        class_count=classes,
    )


def decode(outputs: Sequence[Array], score_threshold: float, size: tuple[int, int]) -> Detections:
    """Read 1 x N x (classes + 1) logits and 1 x N x 4 cx cy w h as shares of the input."""
    logits = outputs[0][0].astype(np.float32, copy=False)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    scores = powers / powers.sum(axis=1, keepdims=True)
    rows, best, ids = best_class(scores[:, :-1], score_threshold)
    return to_detections(queries.in_pixels(outputs[1][0][rows], size), best, ids)


def _preprocess(graph: Graph) -> Preprocess:
    plain = queries.normalised(graph)
    is_yolos = any(name.endswith(_YOLOS_HEAD) for name in graph.weights)
    if is_yolos and plain.resize == "keep-ratio":
        return replace(plain, resize="patches", step=_YOLOS_PATCH)
    return plain


def _has_no_object(graph: Graph, columns: int) -> bool:
    """Tell by the names of the layers; if they are lost, by the number of labels."""
    if any(layer in name for name in graph.weights for layer in _SIGMOID_LAYERS):
        return False
    if any(name.endswith(_SOFTMAX_HEADS) for name in graph.weights):
        return True
    return columns == (graph.label_count or _COCO_NUMBERS) + 1


FAMILY = Family(
    name="detr",
    expects='outputs logits (with "no object" last) and pred_boxes, such as DETR and YOLOS export',
    recognise=recognise,
)
