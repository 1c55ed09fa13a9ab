"""DETR's kin with sigmoid: a query a row, which may be of several classes, or of none.

Conditional and Deformable DETR, RT-DETR and D-FINE in transformers, or without their last step:
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


# What the others' post-processing in transformers keeps of all queries' classes.
_MOST = 100
# A layer that only RF-DETR has in transformers, which scales tensors as its own code does.
_RF_DETR = "projector.projector_layer"


def recognise(graph: Graph) -> DecodeSpec | None:
    """Know logits of one column a class; those with one for "no object" are asked for before."""
    found = queries.find(graph)
    if found is None:
        return None
    kin = rtdetr.is_kin(graph)
    is_rf_detr = any(_RF_DETR in name for name in graph.weights)
    preprocess = rtdetr.stretched(graph) if kin else queries.normalised(graph)
    if is_rf_detr:
        preprocess = replace(preprocess, filter="linear-float")
    keeps_all = kin or is_rf_detr
    return DecodeSpec(
        why=f"'{found.logits}' has a column a class, '{found.boxes}' a box a query"
        + (", and the weights are RT-DETR's" if kin else ""),
        preprocess=preprocess,
        outputs=(found.logits.name, found.boxes.name),
        decode=partial(queries.decode_sigmoid, at_most=None if keeps_all else _MOST),
        needs_nms=False,
        class_count=found.columns,
    )


FAMILY = Family(
    name="detr-sigmoid",
    expects="outputs logits (a column a class) and pred_boxes, such as Deformable and Conditional "
    "DETR, and RT-DETR in transformers, export",
    recognise=recognise,
)
