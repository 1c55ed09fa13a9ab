"""SCRFD, the face detector of InsightFace: scores, and distances to the sides of a box, by grid.

Graph: for each grid an output of n x 1 scores and one of n x 4 distances, possibly with n x 10
keypoints, with or without a batch: 3 grids with 2 anchors in each cell, or 5 grids with 1.
Preprocessing: scaled into the top left corner, zeros around; RGB, (pixel - 127.5) / 128.
Decoding: distances from the corner of a cell, in strides. Needs NMS.

Source: https://github.com/deepinsight/insightface/blob/master/detection/scrfd/tools/scrfd.py
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pipeline.detection.families.common.base import DecodeSpec, Family, to_detections
from pipeline.detection.families.common.grids import assumed_input_size, cell_grid
from pipeline.detection.preprocess import Preprocess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.detection.families.common.base import Array
    from pipeline.detection.families.common.grids import Strides
    from pipeline.detection.graph import Graph, TensorInfo
    from pipeline.frame import Detections

_USUAL_SIZE = 640
_MEAN, _STD = 127.5, 128.0
_SCORE_COLUMNS, _BOX_COLUMNS, _KEYPOINT_COLUMNS = 1, 4, 10
_RANKS = (2, 3)  # without and with a batch


class _Layout(NamedTuple):
    strides: Strides
    anchors_per_cell: int


_LAYOUTS = (_Layout((8, 16, 32), 2), _Layout((8, 16, 32, 64, 128), 1))


def recognise(graph: Graph) -> DecodeSpec | None:
    """Recognise scores and distances for each anchor of each grid, by their shapes."""
    scores, boxes, keypoints = (
        _tables(graph, columns) for columns in (_SCORE_COLUMNS, _BOX_COLUMNS, _KEYPOINT_COLUMNS)
    )
    if len(scores) + len(boxes) + len(keypoints) != len(graph.outputs):
        return None
    size = assumed_input_size(graph.image_input)
    layout = next((each for each in _LAYOUTS if _rows(scores) == _anchors(size, each)), None)
    if layout is None or _rows(boxes) != _rows(scores):
        return None
    return DecodeSpec(
        why=f"each of {len(layout.strides)} grids has an output with a score and one with 4 "
        f"distances for each of {layout.anchors_per_cell} anchors in a cell",
        preprocess=Preprocess(
            resize="top-left",
            width=graph.image_input.width or _USUAL_SIZE,
            height=graph.image_input.height or _USUAL_SIZE,
            padding=0,
            scale=1.0,
            mean=(_MEAN,) * 3,
            std=(_STD,) * 3,
        ),
        outputs=tuple(tensor.name for tensor in (*scores, *boxes)),
        decode=partial(decode, layout=layout),
        needs_nms=True,
        class_count=1,
        labels=("face",),
        unread=("keypoints",) if keypoints else (),
    )


def decode(
    outputs: Sequence[Array], score_threshold: float, size: tuple[int, int], *, layout: _Layout
) -> Detections:
    """Decode scores of each grid, then distances of each grid, from the finest to the coarsest."""
    count = len(layout.strides)
    scores = np.concatenate([output.reshape(-1) for output in outputs[:count]])
    distances = np.concatenate([output.reshape(-1, _BOX_COLUMNS) for output in outputs[count:]])
    positions, strides = (
        np.repeat(array, layout.anchors_per_cell, axis=0)
        for array in cell_grid(size, layout.strides)
    )
    rows = np.flatnonzero(scores >= score_threshold)
    corners, offsets = positions[rows] * strides[rows], distances[rows] * strides[rows]
    boxes = np.concatenate([corners - offsets[:, :2], corners + offsets[:, 2:]], axis=1)
    return to_detections(boxes, scores[rows], np.zeros(len(rows)))


def _tables(graph: Graph, columns: int) -> list[TensorInfo]:
    """Return the outputs with this number of columns, those of the finest grid first."""
    tables = [
        tensor
        for tensor in graph.outputs
        if tensor.shape and tensor.rank in _RANKS and tensor.shape[-1] == columns
    ]
    return sorted(tables, key=_row_count, reverse=True)


def _rows(tables: list[TensorInfo]) -> list[int]:
    return [_row_count(tensor) for tensor in tables]


def _row_count(tensor: TensorInfo) -> int:
    """Return the number of rows; 0 if the file does not give it."""
    return (tensor.shape and tensor.shape[-2]) or 0


def _anchors(size: tuple[int, int], layout: _Layout) -> list[int]:
    """Return the number of anchors of each grid."""
    return [
        len(cell_grid(size, (stride,))[0]) * layout.anchors_per_cell for stride in layout.strides
    ]


FAMILY = Family(
    name="scrfd",
    expects="for each grid an output of n x 1 and one of n x 4, such as SCRFD exports",
    recognise=recognise,
)
