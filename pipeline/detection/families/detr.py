"""DETR and YOLOS: each query has a softmax over all classes and "no object".

Graph: outputs `logits`, 1 x N x (classes + 1), and `pred_boxes`, 1 x N x 4; for exports without
these names, two outputs of these shapes. That the last logit is "no object" shows in the names of
the layers; without them, in the number of labels.
Preprocessing: RGB, ImageNet's mean and standard deviation. An input of a free size keeps the
proportions, with sides of 800 to 1333 pixels (YOLOS: multiples of 16); else stretched.
Decoding: boxes are cx cy w h relative to the input; each query gives its best class. No NMS.

Sources:
https://github.com/facebookresearch/detr/blob/main/models/detr.py (PostProcess)
https://github.com/huggingface/transformers/tree/main/src/transformers/models/detr
https://github.com/huggingface/transformers/tree/main/src/transformers/models/yolos
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pipeline.detection.families.common import queries
from pipeline.detection.families.common.base import (
    DecodeSpec,
    Family,
    select_best_class,
    to_detections,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.detection.families.common.base import Array
    from pipeline.detection.graph import Graph
    from pipeline.detection.preprocess import Preprocess
    from pipeline.frame import Detections

_YOLOS_HEAD, _YOLOS_PATCH = "class_labels_classifier.layers.2.bias", 16
# Layers whose scores are a softmax. DETRs with a sigmoid have some layers of these names as well,
# but also a layer of the second list.
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
# Models with COCO's original category ids, 0 to 90, have 91 classes.
_COCO_CATEGORY_IDS = 91


def recognise(graph: Graph) -> DecodeSpec | None:
    """Recognise logits and boxes of queries, where the last logit is "no object"."""
    outputs = queries.find_query_outputs(graph)
    if outputs is None or not _has_no_object_column(graph, outputs.columns):
        return None
    class_count = outputs.columns - 1
    return DecodeSpec(
        why=f"'{outputs.logits}' has one row for each query, with columns for {class_count} "
        f"classes and for \"no object\", and '{outputs.boxes}' has the boxes",
        preprocess=_preprocess(graph),
        outputs=(outputs.logits.name, outputs.boxes.name),
        decode=decode,
        needs_nms=False,
        class_count=class_count,
    )


def decode(outputs: Sequence[Array], score_threshold: float, size: tuple[int, int]) -> Detections:
    """Decode 1 x N x (classes + 1) logits by softmax, and 1 x N x 4 relative cx cy w h."""
    logits = outputs[0][0].astype(np.float32, copy=False)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    scores = powers / powers.sum(axis=1, keepdims=True)
    rows, best, class_ids = select_best_class(scores[:, :-1], score_threshold)
    boxes = queries.relative_cxcywh_to_xyxy(outputs[1][0][rows], size)
    return to_detections(boxes, best, class_ids)


def _preprocess(graph: Graph) -> Preprocess:
    preprocess = queries.detr_preprocess(graph)
    is_yolos = any(name.endswith(_YOLOS_HEAD) for name in graph.weights)
    if is_yolos and preprocess.resize == "keep-ratio":
        return replace(preprocess, resize="patches", step=_YOLOS_PATCH)
    return preprocess


def _has_no_object_column(graph: Graph, columns: int) -> bool:
    """Return whether the last logit is "no object", by the names of layers or the label count."""
    if any(layer in name for name in graph.weights for layer in _SIGMOID_LAYERS):
        return False
    if any(name.endswith(_SOFTMAX_HEADS) for name in graph.weights):
        return True
    return columns == (graph.label_count or _COCO_CATEGORY_IDS) + 1


FAMILY = Family(
    name="detr",
    expects='outputs logits (with "no object" last) and pred_boxes, such as DETR and YOLOS export',
    recognise=recognise,
)
