"""YOLOX: a box, its objectness and class scores for each cell.

Graph: one output of 1 x N x (5 + classes), where N is the number of cells of the input.
Preprocessing: scaled into the top left corner; BGR, 0 to 255.
Decoding: boxes are cx cy w h, by default relative to their cell and its stride, or in input pixels
if exported with `--decode_in_inference`. Scores are those of YOLOv5. Needs NMS.

Sources:
https://github.com/Megvii-BaseDetection/YOLOX/blob/main/tools/export_onnx.py
https://github.com/Megvii-BaseDetection/YOLOX/blob/main/yolox/utils/demo_utils.py
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from pipeline.detection.boxes import cxcywh_to_xyxy
from pipeline.detection.families.common.base import DecodeSpec, Family, to_detections
from pipeline.detection.families.common.grids import (
    assumed_input_size,
    cell_grid,
    find_strides,
)
from pipeline.detection.families.yolov5 import select_anchors
from pipeline.detection.preprocess import Preprocess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.detection.families.common.base import Array
    from pipeline.detection.families.common.grids import Strides
    from pipeline.detection.graph import Graph
    from pipeline.frame import Detections

_BOX_COLUMNS = 5  # with the objectness
_YOLOV6_OUTPUT = "outputs"
# If the largest centre x is below this share of the input's width, the boxes are relative to cells.
# In pixels, the cells on the right have larger ones; relative centres are a few cells at most.
_RELATIVE_CENTRE_SHARE = 0.25


def recognise(graph: Graph) -> DecodeSpec | None:
    """Recognise one output of `1 x N x (5 + classes)` with one row for each cell of the input."""
    output, size = graph.outputs[0], assumed_input_size(graph.image_input)
    match output.shape:
        case [_, int(rows), int(columns)] if columns > _BOX_COLUMNS:
            strides = find_strides(rows, size)
        case _:
            return None
    # YOLOv6 has the same number of rows, but belongs to the family `yolov5`.
    if strides is None or len(graph.outputs) > 1 or output.name == _YOLOV6_OUTPUT:
        return None
    return DecodeSpec(
        why=f"'{output}' has one row for each cell of {size[0]} x {size[1]} pixels",
        preprocess=Preprocess(
            resize="top-left", width=size[0], height=size[1], colour="bgr", scale=1.0
        ),
        outputs=(output.name,),
        decode=partial(decode, strides=strides),
        needs_nms=True,
        class_count=columns - _BOX_COLUMNS,
    )


def decode(
    outputs: Sequence[Array], score_threshold: float, size: tuple[int, int], *, strides: Strides
) -> Detections:
    """Decode 1 x N x (5 + classes): cx cy w h, objectness, class scores.

    Boxes are in input pixels, or else in strides of their cell: centres as offsets from the cell's
    corner, sizes as logarithms. The values show which of the two.
    """
    rows = outputs[0][0]
    likely = np.flatnonzero(rows[:, 4] >= score_threshold)
    is_relative = rows[:, 0].max() < size[0] * _RELATIVE_CENTRE_SHARE
    rows = rows[likely].astype(np.float32)
    if is_relative:
        positions, cell_strides = (array[likely] for array in cell_grid(size, strides))
        rows[:, :2] = (rows[:, :2] + positions) * cell_strides
        rows[:, 2:4] = np.exp(rows[:, 2:4]) * cell_strides
    boxes, scores, class_ids = select_anchors(rows, score_threshold)
    return to_detections(cxcywh_to_xyxy(boxes), scores, class_ids)


FAMILY = Family(
    name="yolox",
    expects="an output of 1 x N x (5 + classes) with one row for each cell, such as YOLOX exports",
    recognise=recognise,
)
