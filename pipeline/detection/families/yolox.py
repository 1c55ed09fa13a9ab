"""YOLOX: YOLOv5's columns, one anchor a cell, and, unless exported otherwise, still in cells.

https://github.com/Megvii-BaseDetection/YOLOX/blob/main/tools/export_onnx.py
https://github.com/Megvii-BaseDetection/YOLOX/blob/main/yolox/utils/demo_utils.py
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from pipeline.detection.boxes import cxcywh_to_xyxy
from pipeline.detection.families.common.base import DecodeSpec, Family, to_detections
from pipeline.detection.families.common.grids import cell_grid, find_strides, input_size
from pipeline.detection.families.yolov5 import scored_rows
from pipeline.detection.preprocess import Preprocess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.detection.families.common.base import Array
    from pipeline.detection.graph import Graph
    from pipeline.frame import Detections

_BOX_COLUMNS = 5
_SHARE_OF_NO_OFFSET = 0.25


def recognise(graph: Graph) -> DecodeSpec | None:
    """Know `1 x N x (5 + classes)` with as many rows as the input has cells."""
    output, size = graph.outputs[0], input_size(graph.image)
    match output.shape:
        case [_, int(rows), int(columns)] if columns > _BOX_COLUMNS:
            strides = find_strides(rows, size)
        case _:
            return None
    # YOLOv6 has as many rows; it names its output so, and takes what YOLOv5 takes.
    if strides is None or len(graph.outputs) > 1 or output.name == "outputs":
        return None
    return DecodeSpec(
        why=f"'{output}' has a row a cell of {size[0]} x {size[1]}",
        preprocess=Preprocess(
            resize="top-left", width=size[0], height=size[1], colour="bgr", scale=1.0
        ),
        outputs=(output.name,),
        decode=partial(decode, strides=strides),
        needs_nms=True,
        class_count=columns - _BOX_COLUMNS,
    )


def decode(
    outputs: Sequence[Array],
    score_threshold: float,
    size: tuple[int, int],
    *,
    strides: tuple[int, ...],
) -> Detections:
    """Read 1 x N x (5 + classes): a box, its score, a score a class.

    Boxes are cx cy w h in input pixels, or, as exported by default, centres as offsets from the
    cell and sizes as logarithms, both in cells.
    """
    rows = outputs[0][0]
    likely = np.flatnonzero(rows[:, 4] >= score_threshold)
    # In pixels, the cells at the right have their centres there; offsets are of a few cells.
    in_cells = rows[:, 0].max() < size[0] * _SHARE_OF_NO_OFFSET
    rows = rows[likely].astype(np.float32)
    if in_cells:
        cells, widths = (each[likely] for each in cell_grid(size, strides))
        rows[:, :2] = (rows[:, :2] + cells) * widths
        rows[:, 2:4] = np.exp(rows[:, 2:4]) * widths
    boxes, scores, ids = scored_rows(rows, score_threshold)
    return to_detections(cxcywh_to_xyxy(boxes), scores, ids)


FAMILY = Family(
    name="yolox",
    expects="an output of 1 x N x (5 + classes) with a row a cell, such as YOLOX exports",
    recognise=recognise,
)
