"""NanoDet and NanoDet-Plus: for each cell class scores, and a box as distributions of distances.

Graph: one output of 1 x N x (classes + 32), one row for each cell of the input; versions before 1
have two outputs for each grid instead, whose names contain `_pred_stride_`.
Preprocessing: warped to the input's size, as OpenCV's warpPerspective does it; BGR, 0 to 255, minus
the mean, divided by the standard deviation of NanoDet's configurations. The configurations of
NanoDet-Plus stretch the image; those of NanoDet, which has 3 grids or an output for each, keep its
proportions and centre it between zeros.
Decoding: each side of a box lies at the mean of a distribution over 8 distances, or as many as the
shapes, the labels or the weights show (`reg_max` + 1); boxes are clipped to the input before NMS.
Needs NMS.

Sources:
https://github.com/RangiLyu/nanodet/blob/main/nanodet/model/head/nanodet_plus_head.py
https://github.com/RangiLyu/nanodet/blob/main/nanodet/model/head/gfl_head.py
https://github.com/RangiLyu/nanodet/blob/main/nanodet/data/transform/warp.py
https://github.com/RangiLyu/nanodet/tree/main/config (keep_ratio and reg_max of each model)
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from pipeline.detection.coco_classes import COCO_80
from pipeline.detection.families.common.base import DecodeSpec, Family
from pipeline.detection.families.common.distribution_focal import (
    BINS,
    SIDES,
    Cells,
    bins_of_columns,
    decode_cells,
    find_grid_outputs,
    join_grids,
)
from pipeline.detection.families.common.grids import assumed_input_size, find_strides
from pipeline.detection.preprocess import Preprocess
from pipeline.frame import Detections

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.detection.families.common.base import Array
    from pipeline.detection.families.common.grids import Strides
    from pipeline.detection.graph import Graph

_NAME = "nanodet"
_USUAL_SIZE = 416
# BGR, for pixels from 0 to 255.
_MEAN, _STD = (103.53, 116.28, 123.675), (57.375, 57.12, 58.395)
# NanoDet-Plus has 4 grids, and measures boxes from the corner of a cell. Earlier versions have 3,
# and measure from its centre.
_PLUS_GRIDS, _PLUS_OFFSET, _EARLIER_OFFSET = 4, 0.0, 0.5
_USUAL_BOX_COLUMNS = SIDES * BINS
# Box columns of NanoDet's configurations: of a `reg_max` of 7 and of 10.
_COCO_BOX_COLUMNS = (_USUAL_BOX_COLUMNS, SIDES * 11)
_LAYERS = ("gfl_", "distribution_project")
# The layer that gives the box columns, in models that do not share it with the class scores.
_BOX_HEAD = r"gfl_reg\.0\.bias$"
_GRID_OUTPUT, _DISTRIBUTION_OUTPUT = "_pred_stride_", "dis_pred_stride_"


def recognise(graph: Graph) -> DecodeSpec | None:
    """Recognise a row of class scores and distributions for each cell, or NanoDet's old outputs."""
    return _recognise_one_output(graph) or _recognise_grid_outputs(graph)


def decode(
    outputs: Sequence[Array],
    score_threshold: float,
    size: tuple[int, int],
    *,
    strides: Strides,
    class_count: int,
) -> Detections:
    """Decode 1 x N x (classes + 4 * bins): class scores, then logits of each side's distance."""
    rows = outputs[0][0]
    scores, distributions = rows[:, :class_count], rows[:, class_count:]
    offset = _PLUS_OFFSET if len(strides) == _PLUS_GRIDS else _EARLIER_OFFSET
    found = decode_cells(scores, distributions, score_threshold, size, Cells(strides, offset))
    return _clip_to_input(found, size)


def decode_grids(
    outputs: Sequence[Array], score_threshold: float, size: tuple[int, int], *, strides: Strides
) -> Detections:
    """Decode 1 x n x classes scores for each grid, then 1 x n x (4 * bins) logits of distances."""
    cells = Cells(strides, _EARLIER_OFFSET)
    found = decode_cells(*join_grids(outputs), score_threshold, size, cells)
    return _clip_to_input(found, size)


def has_nanodet_output_names(graph: Graph) -> bool:
    """Return whether an output has a name that NanoDet used before version 1."""
    return any(_GRID_OUTPUT in tensor.name for tensor in graph.outputs)


def _recognise_one_output(graph: Graph) -> DecodeSpec | None:
    match [tensor.shape for tensor in graph.outputs]:
        case [[_, int(rows), int(columns)]]:
            bins = _bins(graph, columns)
            strides = find_strides(rows, assumed_input_size(graph.image_input))
        case _:
            return None
    # YOLOX has the same number of rows, so that the columns have to show that this is NanoDet.
    if strides is None or bins is None:
        return None
    class_count = columns - SIDES * bins
    return DecodeSpec(
        why=f"'{graph.outputs[0]}' has one row for each cell: {class_count} class scores, then "
        f"{SIDES} x {bins} values for the box",
        preprocess=_preprocess(graph, keeps_ratio=len(strides) != _PLUS_GRIDS),
        outputs=(graph.outputs[0].name,),
        decode=partial(decode, strides=strides, class_count=class_count),
        needs_nms=True,
        class_count=class_count,
    )


def _recognise_grid_outputs(graph: Graph) -> DecodeSpec | None:
    grid_outputs = find_grid_outputs(graph, _DISTRIBUTION_OUTPUT)
    if grid_outputs is None:
        return None
    return DecodeSpec(
        why=f"it has the outputs of {len(grid_outputs.strides)} grids, with the names that NanoDet "
        "used before version 1",
        preprocess=_preprocess(graph, keeps_ratio=True),
        outputs=tuple(tensor.name for tensor in grid_outputs.tensors),
        decode=partial(decode_grids, strides=grid_outputs.strides),
        needs_nms=True,
        class_count=grid_outputs.class_count,
    )


def _preprocess(graph: Graph, *, keeps_ratio: bool) -> Preprocess:
    image_input = graph.image_input
    return Preprocess(
        resize="letterbox" if keeps_ratio else "stretch",
        width=image_input.width or _USUAL_SIZE,
        height=image_input.height or _USUAL_SIZE,
        filter="warp",
        padding=0,
        colour="bgr",
        scale=1.0,
        mean=_MEAN,
        std=_STD,
    )


def _bins(graph: Graph, columns: int) -> int | None:
    """Return the number of bins for each side of a box; None if the graph may not be NanoDet's.

    The labels show it, or the layer that gives the box. The graph is NanoDet's if its card or the
    names of its layers say so. Without both, the labels have to leave as many columns as a box of
    NanoDet has; without labels, the columns are those of COCO's 80 classes and of such a box.
    """
    is_nanodet = graph.card_family == _NAME or any(
        layer in name for name in graph.weights for layer in _LAYERS
    )
    if graph.label_count is not None:
        bins = bins_of_columns(columns - graph.label_count)
    elif columns - len(COCO_80) in _COCO_BOX_COLUMNS:
        bins = bins_of_columns(columns - len(COCO_80))
    else:
        bins = bins_of_columns(graph.bias_width(_BOX_HEAD) or 0)
    if bins is not None:
        return bins
    return BINS if is_nanodet and columns > _USUAL_BOX_COLUMNS else None


def _clip_to_input(found: Detections, size: tuple[int, int]) -> Detections:
    """Return the detections with boxes clipped to the input, as NanoDet does before NMS."""
    limit = np.array(size * 2, dtype=np.float32)
    return Detections(np.clip(found.boxes, 0, limit), found.scores, found.class_ids)


FAMILY = Family(
    name=_NAME,
    expects="an output of 1 x N x (classes + 32) with one row for each cell, such as NanoDet "
    "exports",
    recognise=recognise,
)
