"""YOLO models that need no NMS, because they return one row for each object.

Graph: a first output of 1 x N x 6 (YOLOv10, YOLO26, and Ultralytics' `nms=True`; with more columns
if the metadata says `segment` or `pose`), or one output of N x 7 (YOLOv7's `--end2end --max-wh`).
YOLOv5 and YOLOX with one class have 6 columns, too: there N is the number of anchors of the input.
Preprocessing: Ultralytics' letterbox; for N x 7, YOLOv5's.
Decoding: the columns are x1 y1 x2 y2 in input pixels, score, class id; of N x 7 they are the index
in the batch, x1 y1 x2 y2, class id, score. No NMS.

Sources:
https://docs.ultralytics.com/modes/export/
https://github.com/WongKinYiu/yolov7/blob/main/export.py
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.detection.families.common.base import DecodeSpec, Family, to_detections
from pipeline.detection.families.common.grids import (
    ALL_STRIDES,
    assumed_input_size,
    find_strides,
)
from pipeline.detection.families.common.ultralytics_export import (
    ultralytics_preprocess,
    yolov5_preprocess,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.detection.families.common.base import Array
    from pipeline.detection.graph import Graph
    from pipeline.frame import Detections

_MAX_ROWS = 1000  # more than any exporter keeps
_COLUMNS = 6


def recognise(graph: Graph) -> DecodeSpec | None:
    """Recognise `1 x N x 6` (or more columns for segmentation and pose), and `N x 7`."""
    output = graph.outputs[0]
    may_have_more_columns = graph.metadata.get("task") in ("segment", "pose")
    decode, preprocess = decode_rows, ultralytics_preprocess
    match output.shape:
        case [_, int(rows), int(columns)] if _may_be_objects(graph, rows) and (
            columns == _COLUMNS or (may_have_more_columns and _COLUMNS < columns < rows)
        ):
            pass
        case [None, 7] if len(graph.outputs) == 1:
            decode, preprocess = decode_rows_with_batch, yolov5_preprocess
        case _:
            return None
    return DecodeSpec(
        why=f"'{output}' has one row for each object: box, score and class",
        preprocess=preprocess(graph),
        outputs=(output.name,),
        decode=decode,
        needs_nms=False,
        class_count=None,
    )


def decode_rows(
    outputs: Sequence[Array], score_threshold: float, _size: tuple[int, int]
) -> Detections:
    """Decode 1 x N x 6 or more: x1 y1 x2 y2 in input pixels, score, class id."""
    rows = outputs[0][0]
    # Rows with score 0 are padding, even for a threshold of 0.
    rows = rows[rows[:, 4] >= max(score_threshold, np.finfo(np.float32).tiny)]
    return to_detections(rows[:, :4], rows[:, 4], rows[:, 5])


def decode_rows_with_batch(
    outputs: Sequence[Array], score_threshold: float, _size: tuple[int, int]
) -> Detections:
    """Decode N x 7: index in the batch, x1 y1 x2 y2 in input pixels, class id, score."""
    rows = outputs[0]
    rows = rows[(rows[:, 0] == 0) & (rows[:, 6] >= score_threshold)]
    return to_detections(rows[:, 1:5], rows[:, 6], rows[:, 5])


def _may_be_objects(graph: Graph, rows: int) -> bool:
    """Return whether rows of 6 columns may be objects, rather than anchors of YOLOv5 or YOLOX.

    Ultralytics' metadata decides; without it, the number of rows.
    """
    arguments = graph.setting("args")
    if graph.metadata.get("end2end") == "True" or (
        isinstance(arguments, dict) and arguments.get("nms")
    ):
        return True
    size = assumed_input_size(graph.image_input)
    anchor_strides = find_strides(rows, size, ALL_STRIDES, anchors_per_cell=3) or find_strides(
        rows, size
    )
    return rows <= _MAX_ROWS and anchor_strides is None


FAMILY = Family(
    name="end-to-end",
    expects="an output of 1 x N x 6: box, score and class, such as YOLOv10 and YOLO26 export",
    recognise=recognise,
)
