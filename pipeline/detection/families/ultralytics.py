"""Ultralytics v8, 11, 12 and their kin: one tensor of boxes and class scores, a column an anchor.

https://docs.ultralytics.com/modes/export/
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from pipeline.detection.boxes import cxcywh_to_xyxy
from pipeline.detection.families.common.base import DecodeSpec, Family, best_class, to_detections
from pipeline.detection.families.common.grids import MORE_STRIDES, find_strides, input_size
from pipeline.detection.graph import LARGEST_SIDE, LARGEST_STEP
from pipeline.detection.preprocess import Preprocess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.detection.families.common.base import Array
    from pipeline.detection.graph import Graph
    from pipeline.frame import Detections

_NAME = "ultralytics"
_BOX_ROWS = 4
# What its exporter writes down.
_METADATA = ("stride", "task")
_USUAL_SIZE, _USUAL_STRIDE = 640, 32
# Since this version its predictor pads pictures for a model of a free size only up to the next
# stride; and since this one boxes go back by each axis' own scale.
_SINCE_STEPS, _SINCE_AXES = (8, 3, 40), (8, 4, 175)
# Tasks whose rows begin as detection's do; of what follows, nothing is read.
_TASKS_WITH_MORE_ROWS = ("segment", "pose")


def recognise(graph: Graph) -> DecodeSpec | None:
    """Know `1 x (4 + classes) x N`; segmentation and pose have more rows below.

    Some converters turn it round; only the number of labels tells that from YOLOv5's columns.
    """
    output, upright = graph.outputs[0], True
    match output.shape:
        case [_, int(rows), anchors] if rows > _BOX_ROWS and _fits(graph, rows, anchors):
            pass
        case [_, anchors, int(rows)] if (graph.label_count or 0) + _BOX_ROWS == rows and _fits(
            graph, rows, anchors
        ):
            upright = False
        case _:
            return None
    classes = _class_count(graph, rows - _BOX_ROWS)
    if classes is None:
        return None
    direction = "rows" if upright else "columns"
    return DecodeSpec(
        why=f"'{output}' has 4 {direction} for the box and {classes} for the classes",
        preprocess=letterboxed(graph),
        outputs=(output.name,),
        decode=partial(decode, classes=classes, upright=upright),
        needs_nms=True,
        class_count=classes,
    )


def decode(
    outputs: Sequence[Array],
    score_threshold: float,
    _size: tuple[int, int],
    *,
    classes: int,
    upright: bool = True,
) -> Detections:
    """Read 1 x (4 + classes) x N: cx, cy, w, h in input pixels, then a score a class."""
    anchors = outputs[0][0].T if upright else outputs[0][0]
    rows, scores, ids = best_class(anchors[:, _BOX_ROWS : _BOX_ROWS + classes], score_threshold)
    return to_detections(cxcywh_to_xyxy(anchors[rows, :_BOX_ROWS]), scores, ids)


def is_sure(graph: Graph, family: str) -> bool:
    """Tell whether its card or its metadata says what its shapes only suggest."""
    return graph.family == family or any(key in graph.metadata for key in _METADATA)


def _fits(graph: Graph, rows: int, anchors: int | None) -> bool:
    """Tell whether there are as many anchors as the input has cells, or it is sure anyway."""
    if anchors is None:  # metadata tells all the same; without, it is asked again once it is known
        return is_sure(graph, _NAME)
    cells = find_strides(anchors, input_size(graph.image), MORE_STRIDES)
    # In a small input there may be more rows than anchors.
    directed = rows < anchors or rows - _BOX_ROWS == graph.label_count
    return directed and (cells is not None or is_sure(graph, _NAME))


def _class_count(graph: Graph, rows: int) -> int | None:
    """Return how many of the rows below the box are classes'; None: the graph is another's."""
    if graph.metadata.get("task") in _TASKS_WITH_MORE_ROWS:
        return graph.label_count or rows
    match [port.shape for port in graph.outputs[1:]]:
        case []:
            return rows
        # Segmentation whose metadata is lost: as many rows as its second output has mask layers.
        case [[_, int(masks), _, _]] if masks < rows:
            return rows - masks
    return None


def letterboxed(graph: Graph) -> Preprocess:
    """Return the preprocessing that Ultralytics exports for: RGB from 0 to 1, letterboxed."""
    image = graph.image
    height, width = _trained_size(graph.setting("imgsz"))
    free, version = image.width is None or image.height is None, _version(graph)
    return Preprocess(
        width=image.width or width,
        height=image.height or height,
        step=_stride(graph) if free and version >= _SINCE_STEPS else None,
        box_rescale="axes" if version >= _SINCE_AXES else "ratio",
    )


def letterboxed_by_yolov5(graph: Graph) -> Preprocess:
    """Return the same as YOLOv5, 6 and 7 do it: always to the whole size.

    Their way back begins where the corner would be, could it lie between two pixels. Ours begins
    where it lies: it is half a pixel of the input, at most.
    """
    return replace(letterboxed(graph), step=None, box_rescale="ratio")


def _version(graph: Graph) -> tuple[int, ...]:
    """Return the exporter's version; that of today if the metadata is lost."""
    text = graph.metadata.get("version")
    if text is None:
        return _SINCE_AXES
    return tuple(int(part) for part in re.findall(r"\d{1,9}", text)[:3])


def _stride(graph: Graph) -> int:
    stride = graph.setting("stride")
    return stride if isinstance(stride, int) and 0 < stride <= LARGEST_STEP else _USUAL_STRIDE


def _trained_size(size: object) -> tuple[int, int]:
    """Return height and width: those the model was exported with, or else the usual ones."""
    match size:
        case [int(height), int(width)]:
            pass
        case int(side):
            height = width = side
        case _:
            height = width = _USUAL_SIZE
    fits = 0 < min(height, width) <= max(height, width) <= LARGEST_SIDE
    return (height, width) if fits else (_USUAL_SIZE, _USUAL_SIZE)


FAMILY = Family(
    name=_NAME,
    expects="an output of 1 x (4 + classes) x N, such as Ultralytics v8, 11 and 12 export",
    recognise=recognise,
)
