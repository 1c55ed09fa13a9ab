"""NanoDet: class scores and distributions of a cell in one row.

https://github.com/RangiLyu/nanodet/blob/main/nanodet/model/head/nanodet_plus_head.py
https://github.com/RangiLyu/nanodet/blob/main/nanodet/model/head/gfl_head.py
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pipeline.detection.coco_classes import COCO_80
from pipeline.detection.families.family import Family, Reading, best_class, detections
from pipeline.detection.families.focal import SIDES, boxes_around
from pipeline.detection.families.grids import cells_of, strides_of
from pipeline.detection.preprocess import Preprocess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.detection.families.family import Array
    from pipeline.detection.graph import Graph
    from pipeline.frame import Detections

_BINS = 8
_USUAL_SIZE = 416
# Of its configurations, for pixels from 0 to 255, blue first.
_MEAN, _STD = (103.53, 116.28, 123.675), (57.375, 57.12, 58.395)
_PLUS_STRIDES = 4


def read(graph: Graph) -> Reading | None:
    """Know `1 x N x (classes + 32)` with as many rows as the input has cells."""
    output, image = graph.outputs[0], graph.image
    size = (image.width or _USUAL_SIZE, image.height or _USUAL_SIZE)
    distribution = SIDES * _BINS
    match output.shape:
        case [_, int(rows), int(columns)] if columns > distribution:
            strides = strides_of(rows, size)
        case _:
            return None
    # YOLOX has as many rows; only distributions are softened by the reader.
    if strides is None or len(graph.outputs) > 1 or not _is_nanodet(graph):
        return None
    return Reading(
        why=f"'{output}' has a row a cell of {size[0]} x {size[1]}: class scores, then 4 x {_BINS} "
        "for the box",
        preprocess=Preprocess(
            resize="stretch",
            width=size[0],
            height=size[1],
            colour="bgr",
            scale=1.0,
            mean=_MEAN,
            std=_STD,
        ),
        outputs=(output.name,),
        decode=partial(decode, strides=strides),
        suppress=True,
        class_count=columns - distribution,
    )


def decode(
    outputs: Sequence[Array],
    score_threshold: float,
    size: tuple[int, int],
    *,
    strides: tuple[int, ...],
) -> Detections:
    """Read 1 x N x (classes + 32): a score a class, then logits for each side's distance."""
    cells = outputs[0][0]
    classes = cells.shape[1] - SIDES * _BINS
    rows, scores, ids = best_class(cells[:, :classes], score_threshold)
    places, widths = (each[rows] for each in cells_of(size, strides))
    # The Plus head's cells are at their corner, the first head's in their middle.
    offset = 0.0 if len(strides) == _PLUS_STRIDES else 0.5
    centres = (places + offset) * widths
    return detections(boxes_around(centres, widths, cells[rows, classes:]), scores, ids)


def _is_nanodet(graph: Graph) -> bool:
    """Tell by its layers' names or by its columns: 80 classes and 32 bins."""
    named = any("gfl_" in name or "distribution_project" in name for name in graph.weights)
    return named or (graph.outputs[0].shape or ())[2] == len(COCO_80) + SIDES * _BINS


FAMILY = Family(
    name="nanodet",
    expects="an output of 1 x N x (classes + 32) with a row a cell, such as NanoDet exports",
    read=read,
)
