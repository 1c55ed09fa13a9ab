"""Models that suppress overlaps themselves: a row an object.

YOLOv10, YOLO26 and Ultralytics' `nms=True`: https://docs.ultralytics.com/modes/export/
YOLOv7's `--end2end --max-wh`: https://github.com/WongKinYiu/yolov7/blob/main/export.py
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.detection.families.common.base import DecodeSpec, Family, to_detections
from pipeline.detection.families.common.grids import MORE_STRIDES, find_strides, input_size
from pipeline.detection.families.ultralytics import letterboxed, letterboxed_by_yolov5

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.detection.families.common.base import Array
    from pipeline.detection.graph import Graph
    from pipeline.frame import Detections

_MOST_ROWS = 1000  # more than any exporter keeps
# The name of its N x 7, in which the score comes before the class.
_YOLO_NAS = "flat_predictions"
_COLUMNS = 6
_COLUMNS_WITH_BATCH = 7


def recognise(graph: Graph) -> DecodeSpec | None:
    """Know `1 x N x 6`, more columns if the metadata tells of masks or points, and `N x 7`."""
    output = graph.outputs[0]
    if output.name.endswith(_YOLO_NAS):
        return None
    more = graph.metadata.get("task") in ("segment", "pose")
    decode, preprocess = decode_rows, letterboxed
    match output.shape:
        case [_, int(rows), int(columns)] if _may_be_objects(graph, rows) and (
            columns == _COLUMNS or (more and _COLUMNS < columns < rows)
        ):
            pass
        case [None, 7] if len(graph.outputs) == 1:
            decode, preprocess = decode_rows_with_batch, letterboxed_by_yolov5
        case _:
            return None
    return DecodeSpec(
        why=f"'{output}' has a row an object: corners, score, class",
        preprocess=preprocess(graph),
        outputs=(output.name,),
        decode=decode,
        needs_nms=False,
        class_count=None,
    )


def _may_be_objects(graph: Graph, rows: int) -> bool:
    """Tell rows of objects from anchors or cells, which have 6 columns, too, if of one class.

    Those are YOLOv5's and YOLOX's; what Ultralytics writes down is sure.
    """
    arguments = graph.setting("args")
    if graph.metadata.get("end2end") == "True" or (
        isinstance(arguments, dict) and arguments.get("nms")
    ):
        return True
    size = input_size(graph.image)
    anchors = find_strides(rows, size, MORE_STRIDES, anchors=3) or find_strides(rows, size)
    return rows <= _MOST_ROWS and anchors is None


def decode_rows(
    outputs: Sequence[Array], score_threshold: float, _size: tuple[int, int]
) -> Detections:
    """Read 1 x N x 6 or more: x1 y1 x2 y2 in input pixels, score, class id."""
    rows = outputs[0][0]
    rows = rows[rows[:, 4] >= max(score_threshold, np.finfo(np.float32).tiny)]  # 0 is padding
    return to_detections(rows[:, :4], rows[:, 4], rows[:, 5])


def decode_rows_with_batch(
    outputs: Sequence[Array], score_threshold: float, _size: tuple[int, int]
) -> Detections:
    """Read N x 7: the picture's place in the batch, x1 y1 x2 y2, class id, score."""
    rows = outputs[0]
    rows = rows[(rows[:, 0] == 0) & (rows[:, 6] >= score_threshold)]
    return to_detections(rows[:, 1:5], rows[:, 6], rows[:, 5])


FAMILY = Family(
    name="end-to-end",
    expects="an output of 1 x N x 6: corners, score and class, such as YOLOv10 and YOLO26 export",
    recognise=recognise,
)
