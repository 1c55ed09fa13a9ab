"""DETRs with a sigmoid for each class: Conditional and Deformable DETR, RT-DETR in transformers.

Also D-FINE, DEIMv2 and RF-DETR in transformers, and RT-DETR exported without its last step.

Graph: outputs `logits`, 1 x N x classes, and `pred_boxes`, 1 x N x 4; for exports without these
names, two outputs of these shapes. The registry asks the family `detr` first, whose logits end
with "no object".
Preprocessing: DETR's; for RT-DETR's heads that of the family `rtdetr`; for RF-DETR, DETR's with
interpolation in floats.
Decoding: boxes are cx cy w h relative to the input; a query can give several classes. The 100 best
scores are returned; for RT-DETR and RF-DETR, as many as there are queries. No NMS.

Sources:
https://github.com/huggingface/transformers/tree/main/src/transformers/models/deformable_detr
https://github.com/huggingface/transformers/tree/main/src/transformers/models/rt_detr
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from pipeline.detection.families import rtdetr
from pipeline.detection.families.common import queries
from pipeline.detection.families.common.base import DecodeSpec, Family

if TYPE_CHECKING:
    from pipeline.detection.graph import Graph
    from pipeline.detection.preprocess import Preprocess

# How many scores the post-processing of Conditional and Deformable DETR in transformers keeps.
_KEPT_SCORES = 100
# In transformers, only RF-DETR has this layer.
_RF_DETR_LAYER = "projector.projector_layer"


def recognise(graph: Graph) -> DecodeSpec | None:
    """Recognise logits and boxes of queries, with one logit for each class."""
    outputs = queries.find_query_outputs(graph)
    if outputs is None:
        return None
    is_rtdetr = rtdetr.has_rtdetr_head(graph)
    limit = None if is_rtdetr or _is_rf_detr(graph) else _KEPT_SCORES
    return DecodeSpec(
        why=f"'{outputs.logits}' has one row for each query, with a column for each class, and "
        f"'{outputs.boxes}' has the boxes" + ("; the weights are RT-DETR's" if is_rtdetr else ""),
        preprocess=_preprocess(graph),
        outputs=(outputs.logits.name, outputs.boxes.name),
        decode=partial(queries.decode_sigmoid, limit=limit),
        needs_nms=False,
        class_count=outputs.columns,
    )


def _preprocess(graph: Graph) -> Preprocess:
    is_rtdetr = rtdetr.has_rtdetr_head(graph)
    preprocess = (rtdetr.rtdetr_preprocess if is_rtdetr else queries.detr_preprocess)(graph)
    # RF-DETR scales tensors of floats, in transformers as in its own code.
    return replace(preprocess, filter="linear-float") if _is_rf_detr(graph) else preprocess


def _is_rf_detr(graph: Graph) -> bool:
    return any(_RF_DETR_LAYER in name for name in graph.weights)


FAMILY = Family(
    name="detr-sigmoid",
    expects="outputs logits (one column for each class) and pred_boxes, such as Deformable and "
    "Conditional DETR, and RT-DETR in transformers, export",
    recognise=recognise,
)
