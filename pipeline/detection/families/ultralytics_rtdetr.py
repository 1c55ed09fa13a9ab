"""RT-DETR as Ultralytics exports it: a query a row, its box as shares of the picture.

https://docs.ultralytics.com/reference/models/rtdetr/predict/
https://docs.ultralytics.com/reference/nn/modules/head/#ultralytics.nn.modules.head.RTDETRDecoder
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pipeline.detection.boxes import cxcywh_to_xyxy
from pipeline.detection.families import rtdetr
from pipeline.detection.families.common.base import DecodeSpec, Family, best_class, to_detections
from pipeline.detection.families.ultralytics import letterboxed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.detection.families.common.base import Array
    from pipeline.detection.graph import Graph
    from pipeline.frame import Detections

_BOX_COLUMNS = 4
_CHOSEN_COLUMNS = 6
_CHOOSING = "Mod"


def recognise(graph: Graph) -> DecodeSpec | None:
    """Know one output of `1 x N x (4 + classes)`, or `1 x N x 6` since the classes are chosen."""
    match [port.shape for port in graph.outputs]:
        case [[_, _, int(columns)]] if columns > _BOX_COLUMNS and _is_rtdetr(graph):
            pass
        case _:
            return None
    output = graph.outputs[0]
    classes = rtdetr.class_count(graph)
    # Two classes make 6 columns too; a class is chosen as a place in all scores, modulo classes.
    chosen = columns == _CHOSEN_COLUMNS and (
        classes != _CHOSEN_COLUMNS - _BOX_COLUMNS or _CHOOSING in graph.operators
    )
    row = "box, score and class" if chosen else "box and class scores"
    return DecodeSpec(
        why=f"'{output}' has a query a row, {row}, and the head is RT-DETR's",
        # Its predictor stretches pictures with OpenCV, where the other families' letterbox them.
        preprocess=replace(letterboxed(graph), resize="stretch", step=None),
        outputs=(output.name,),
        decode=decode_chosen if chosen else decode,
        needs_nms=False,
        class_count=classes if chosen else columns - _BOX_COLUMNS,
    )


def _is_rtdetr(graph: Graph) -> bool:
    return graph.metadata.get("head") == "RTDETRDecoder" or rtdetr.is_kin(graph)


def decode(outputs: Sequence[Array], score_threshold: float, size: tuple[int, int]) -> Detections:
    """Read 1 x N x (4 + classes): cx, cy, w, h as shares of the input, then a score a class."""
    queries = outputs[0][0]
    rows, scores, ids = best_class(queries[:, _BOX_COLUMNS:], score_threshold)
    return to_detections(_in_pixels(queries[rows], size), scores, ids)


def decode_chosen(
    outputs: Sequence[Array], score_threshold: float, size: tuple[int, int]
) -> Detections:
    """Read 1 x N x 6: cx, cy, w, h as shares of the input, score, class id."""
    rows = outputs[0][0]
    rows = rows[rows[:, 4] >= score_threshold]
    return to_detections(_in_pixels(rows, size), rows[:, 4], rows[:, 5])


def _in_pixels(rows: Array, size: tuple[int, int]) -> Array:
    return cxcywh_to_xyxy(rows[:, :_BOX_COLUMNS] * np.array(size * 2, dtype=np.float32))


FAMILY = Family(
    name="ultralytics-rtdetr",
    expects="an output of 1 x N x (4 + classes) or 1 x N x 6, and RT-DETR's weights, such as "
    "Ultralytics exports of RT-DETR",
    recognise=recognise,
)
