"""Ultralytics v8, 11, 12 and their kin: one tensor of boxes and class scores, a column an anchor.

https://docs.ultralytics.com/modes/export/
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pipeline.detection.families.family import Family, Reading, best_class, corners, detections
from pipeline.detection.families.grids import MORE_STRIDES, sized, strides_of
from pipeline.detection.preprocess import Preprocess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.detection.families.family import Array
    from pipeline.detection.graph import Graph
    from pipeline.frame import Detections

_NAME = "ultralytics"
_BOX_ROWS = 4
# What its exporter writes down.
_METADATA = ("stride", "task")
_USUAL_SIZE = 640
# Tasks whose rows begin as detection's do; of what follows, nothing is read.
_TASKS_WITH_MORE_ROWS = ("segment", "pose")


def read(graph: Graph) -> Reading | None:
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
    return Reading(
        why=f"'{output}' has 4 {direction} for the box and {classes} for the classes",
        preprocess=letterboxed(graph),
        outputs=(output.name,),
        decode=partial(decode, classes=classes, upright=upright),
        suppress=True,
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
    return detections(corners(anchors[rows, :_BOX_ROWS]), scores, ids)


def is_sure(graph: Graph, family: str) -> bool:
    """Tell whether its card or its metadata says what its shapes only suggest."""
    return graph.family == family or any(key in graph.metadata for key in _METADATA)


def _fits(graph: Graph, rows: int, anchors: int | None) -> bool:
    """Tell whether there are as many anchors as the input has cells, or it is sure anyway."""
    if anchors is None:  # metadata tells all the same; without, it is asked again once it is known
        return is_sure(graph, _NAME)
    cells = strides_of(anchors, sized(graph.image), MORE_STRIDES)
    return rows < anchors and (cells is not None or is_sure(graph, _NAME))


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
    stride = graph.setting("stride")
    free = image.width is None or image.height is None
    return Preprocess(
        width=image.width or width,
        height=image.height or height,
        # Its predictor pads the pictures for a model of a free size only up to the next stride.
        step=stride if free and isinstance(stride, int) and stride > 0 else None,
    )


def _trained_size(size: object) -> tuple[int, int]:
    """Return height and width: those the model was exported with, or else the usual ones."""
    match size:
        case [int(height), int(width)] if height > 0 and width > 0:
            return height, width
        case int(side) if side > 0:
            return side, side
    return _USUAL_SIZE, _USUAL_SIZE


FAMILY = Family(
    name=_NAME,
    expects="an output of 1 x (4 + classes) x N, such as Ultralytics v8, 11 and 12 export",
    read=read,
)
