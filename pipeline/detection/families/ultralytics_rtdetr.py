"""RT-DETR as Ultralytics exports it.

Graph: one output of 1 x N x (4 + classes), or, since version 8.4, of 1 x N x 6. The weights have
the names of RT-DETR's heads, or the metadata says `head: RTDETRDecoder`.
Preprocessing: stretched with OpenCV; RGB, 0 to 1.
Decoding: boxes are cx cy w h relative to the input. Each query gives its best class: of the class
scores, or of 1 x N x 6, where score and class id follow the box. No NMS.

Sources:
https://docs.ultralytics.com/reference/models/rtdetr/predict/
https://docs.ultralytics.com/reference/nn/modules/head/#ultralytics.nn.modules.head.RTDETRDecoder
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.detection.families import rtdetr
from pipeline.detection.families.common.base import (
    DecodeSpec,
    Family,
    select_best_class,
    to_detections,
)
from pipeline.detection.families.common.queries import relative_cxcywh_to_xyxy
from pipeline.detection.families.common.ultralytics_export import ultralytics_preprocess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.detection.families.common.base import Array
    from pipeline.detection.graph import Graph
    from pipeline.frame import Detections

_BOX_COLUMNS = 4
_BEST_CLASS_COLUMNS = 6
# An export that selects the best classes computes the class id as `index % classes`.
_BEST_CLASS_OPERATOR = "Mod"


def recognise(graph: Graph) -> DecodeSpec | None:
    """Recognise one output of `1 x N x (4 + classes)` or `1 x N x 6`, and RT-DETR's head."""
    match [tensor.shape for tensor in graph.outputs]:
        case [[_, _, int(columns)]] if columns > _BOX_COLUMNS and _has_rtdetr_head(graph):
            pass
        case _:
            return None
    output = graph.outputs[0]
    class_count = rtdetr.class_count_of_head(graph)
    has_best_class = _has_best_class(graph, columns, class_count)
    content = "box, score and class" if has_best_class else "box and class scores"
    return DecodeSpec(
        why=f"'{output}' has one row for each query: {content}; the head is RT-DETR's",
        preprocess=replace(ultralytics_preprocess(graph), resize="stretch", step=None),
        outputs=(output.name,),
        decode=decode_best_class if has_best_class else decode,
        needs_nms=False,
        class_count=class_count if has_best_class else columns - _BOX_COLUMNS,
    )


def decode(outputs: Sequence[Array], score_threshold: float, size: tuple[int, int]) -> Detections:
    """Decode 1 x N x (4 + classes): relative cx cy w h, then class scores."""
    queries = outputs[0][0]
    rows, scores, class_ids = select_best_class(queries[:, _BOX_COLUMNS:], score_threshold)
    boxes = relative_cxcywh_to_xyxy(queries[rows, :_BOX_COLUMNS], size)
    return to_detections(boxes, scores, class_ids)


def decode_best_class(
    outputs: Sequence[Array], score_threshold: float, size: tuple[int, int]
) -> Detections:
    """Decode 1 x N x 6: relative cx cy w h, score, class id."""
    rows = outputs[0][0]
    rows = rows[rows[:, 4] >= score_threshold]
    boxes = relative_cxcywh_to_xyxy(rows[:, :_BOX_COLUMNS], size)
    return to_detections(boxes, rows[:, 4], rows[:, 5])


def _has_rtdetr_head(graph: Graph) -> bool:
    return graph.metadata.get("head") == "RTDETRDecoder" or rtdetr.has_rtdetr_head(graph)


def _has_best_class(graph: Graph, columns: int, class_count: int | None) -> bool:
    """Return whether 6 columns are a box, score and class id, not a box and scores of 2 classes."""
    if columns != _BEST_CLASS_COLUMNS:
        return False
    has_two_classes = class_count == _BEST_CLASS_COLUMNS - _BOX_COLUMNS
    return not has_two_classes or _BEST_CLASS_OPERATOR in graph.operators


FAMILY = Family(
    name="ultralytics-rtdetr",
    expects="an output of 1 x N x (4 + classes) or 1 x N x 6, and RT-DETR's weights, such as "
    "Ultralytics exports of RT-DETR",
    recognise=recognise,
)
