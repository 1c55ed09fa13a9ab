"""YOLOv5, YOLOv6 and YOLOv7: a row an anchor, whose box score all its class scores share.

https://github.com/ultralytics/yolov5/blob/master/utils/general.py (non_max_suppression)
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from pipeline.detection.boxes import cxcywh_to_xyxy
from pipeline.detection.families.common.base import DecodeSpec, Family, to_detections
from pipeline.detection.families.common.grids import MORE_STRIDES, find_strides, input_size
from pipeline.detection.families.ultralytics import is_sure, letterboxed_by_yolov5

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.detection.families.common.base import Array
    from pipeline.detection.graph import Graph
    from pipeline.frame import Detections

_NAME = "yolov5"
_BOX_COLUMNS = 5
_ANCHORS = 3  # of a cell
_MASK_COEFFICIENTS = 32


def recognise(graph: Graph) -> DecodeSpec | None:
    """Know `1 x N x (5 + classes)`; old exports have the raw grids behind, segmentation masks."""
    output = graph.outputs[0]
    match output.shape:
        case [_, int(rows), int(columns)] if rows > columns > _BOX_COLUMNS and (
            is_sure(graph, _NAME) or _are_anchors(graph, rows)
        ):
            pass
        case _:
            return None
    classes = columns - _BOX_COLUMNS
    others = [port.rank for port in graph.outputs[1:]]
    if others == [4]:
        classes -= _MASK_COEFFICIENTS
    elif any(rank != 5 for rank in others):  # noqa: PLR2004 - batch, anchors, rows, columns, values
        return None
    return DecodeSpec(
        why=f"'{output}' has a row an anchor: 4 columns for the box, 1 for its score, {classes} "
        "for the classes",
        preprocess=letterboxed_by_yolov5(graph),
        outputs=(output.name,),
        decode=partial(decode, classes=classes),
        needs_nms=True,
        class_count=classes,
    )


def _are_anchors(graph: Graph, rows: int) -> bool:
    """Tell whether there are as many rows as the input's cells have anchors; YOLOv6 has but one."""
    size = input_size(graph.image)
    anchors = find_strides(rows, size, MORE_STRIDES, _ANCHORS) or find_strides(rows, size)
    return anchors is not None


def decode(
    outputs: Sequence[Array], score_threshold: float, _size: tuple[int, int], *, classes: int
) -> Detections:
    """Read 1 x N x (5 + classes): cx cy w h in input pixels, the box's score, a score a class."""
    anchors = outputs[0][0]
    boxes, scores, ids = scored_rows(anchors[:, : _BOX_COLUMNS + classes], score_threshold)
    return to_detections(cxcywh_to_xyxy(boxes), scores, ids)


def scored_rows(anchors: Array, score_threshold: float) -> tuple[Array, Array, Array]:
    """Take the rows that score enough, by their best class.

    Args:
        anchors: N x (5 + classes): a box, its score, and a score a class, all from 0 to 1.
        score_threshold: the lowest product of both scores to take.

    Returns:
        Their boxes as they are, scores, and class ids.
    """
    # No product is more than the box's own score, which most anchors fail by.
    likely = anchors[np.flatnonzero(anchors[:, 4] >= score_threshold)]
    scores = likely[:, 4:5] * likely[:, _BOX_COLUMNS:]
    ids = scores.argmax(axis=1)
    best = scores[np.arange(len(ids)), ids]
    rows = np.flatnonzero(best >= score_threshold)
    return likely[rows, :4], best[rows], ids[rows]


FAMILY = Family(
    name=_NAME,
    expects="an output of 1 x N x (5 + classes), such as YOLOv5, YOLOv6 and YOLOv7 export",
    recognise=recognise,
)
