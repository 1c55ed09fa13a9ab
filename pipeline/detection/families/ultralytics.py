"""Ultralytics v8, 11, 12 and their kin: one tensor of boxes and class scores, a column an anchor.

https://docs.ultralytics.com/modes/export/
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pipeline.detection.families.family import Family, Reading, best_class, corners, detections
from pipeline.detection.preprocess import Preprocess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.detection.families.family import Array
    from pipeline.detection.graph import Graph
    from pipeline.frame import Detections

_BOX_ROWS = 4
_USUAL_SIZE = 640
# Tasks whose rows begin as detection's do; of what follows, nothing is read.
_TASKS_WITH_MORE_ROWS = ("segment", "pose")


def read(graph: Graph) -> Reading | None:
    """Know `1 x (4 + classes) x N`; segmentation and pose have more rows below."""
    output = graph.outputs[0]
    match output.shape:
        case [_, int(rows), columns] if rows > _BOX_ROWS and (columns is None or rows < columns):
            pass
        case _:
            return None
    classes = _class_count(graph, rows - _BOX_ROWS)
    if classes is None:
        return None
    return Reading(
        why=f"'{output}' has 4 rows for the box and {classes} for the classes",
        preprocess=letterboxed(graph),
        outputs=(output.name,),
        decode=partial(decode, classes=classes),
        suppress=True,
        class_count=classes,
    )


def decode(
    outputs: Sequence[Array], score_threshold: float, _size: tuple[int, int], *, classes: int
) -> Detections:
    """Read (4 + classes) x N: cx, cy, w, h in input pixels, then a score a class."""
    anchors = outputs[0][0].T
    rows, scores, ids = best_class(anchors[:, _BOX_ROWS : _BOX_ROWS + classes], score_threshold)
    return detections(corners(anchors[rows, :_BOX_ROWS]), scores, ids)


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
    name="ultralytics",
    expects="an output of 1 x (4 + classes) x N, such as Ultralytics v8, 11 and 12 export",
    read=read,
)
