"""YOLOv5, YOLOv6 and YOLOv7: a box, its objectness and class scores for each anchor.

Graph: a first output of 1 x N x (5 + classes); old exports also have the raw grids (rank 5),
segmentation has masks (rank 4). Detectors of faces and plates have 8 or 10 columns of landmarks
before the class scores, which only the number of labels shows. N has to be the number of anchors of
the input (3 for each cell; YOLOv6: 1), unless the metadata is Ultralytics' or the card names this
family.
Preprocessing: a letterbox, always padded to the full size; RGB, 0 to 1.
Decoding: boxes are cx cy w h in input pixels; a score is objectness x class score; each anchor
gives its best class. Needs NMS.

Sources:
https://github.com/ultralytics/yolov5/blob/master/utils/general.py (non_max_suppression)
https://github.com/deepcam-cn/yolov5-face/blob/master/utils/general.py (non_max_suppression_face)
https://github.com/szad670401/HyperLPR (Prj-Python/hyperlpr3/inference/multitask_detect.py)
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from pipeline.detection.boxes import cxcywh_to_xyxy
from pipeline.detection.families.common.base import DecodeSpec, Family, to_detections
from pipeline.detection.families.common.grids import (
    ALL_STRIDES,
    assumed_input_size,
    find_strides,
)
from pipeline.detection.families.common.ultralytics_export import (
    has_ultralytics_metadata,
    yolov5_preprocess,
)
from pipeline.detection.unsupported import UnsupportedModelError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.detection.families.common.base import Array
    from pipeline.detection.graph import Graph
    from pipeline.frame import Detections

_NAME = "yolov5"
_BOX_COLUMNS = 5  # with the objectness
_ANCHORS_PER_CELL = 3
_MASK_COEFFICIENTS = 32
# Columns of 4 corners of a plate (HyperLPR) and of 5 points of a face (yolov5-face).
_LANDMARK_COLUMNS = (8, 10)
_FACE_OR_PLATE_COLUMNS = (15, 16)  # with the two classes of HyperLPR and the one of yolov5-face
_MASKS_RANK, _RAW_GRID_RANK = 4, 5


def recognise(graph: Graph) -> DecodeSpec | None:
    """Recognise `1 x N x (5 + classes)`, alone or before raw grids or masks.

    Raises:
        UnsupportedModelError: only labels can show whether there are classes or landmarks.
    """
    output = graph.outputs[0]
    match output.shape:
        case [_, int(rows), int(columns)] if rows > columns > _BOX_COLUMNS and _may_be_anchors(
            graph, rows
        ):
            pass
        case _:
            return None
    class_count = columns - _BOX_COLUMNS
    other_ranks = [tensor.rank for tensor in graph.outputs[1:]]
    if other_ranks == [_MASKS_RANK]:
        class_count -= _MASK_COEFFICIENTS
    elif any(rank != _RAW_GRID_RANK for rank in other_ranks):
        return None
    landmarks = _landmark_columns(graph, columns)
    class_count -= landmarks
    return DecodeSpec(
        why=f"'{output}' has one row for each anchor: 4 columns for the box, 1 for its objectness, "
        + (f"{landmarks} for landmarks, " if landmarks else "")
        + f"{class_count} for the classes",
        preprocess=yolov5_preprocess(graph),
        outputs=(output.name,),
        decode=partial(decode, class_count=class_count, landmarks=landmarks),
        needs_nms=True,
        class_count=class_count,
        unread=("keypoints",) if landmarks else (),
    )


def decode(
    outputs: Sequence[Array],
    score_threshold: float,
    _size: tuple[int, int],
    *,
    class_count: int,
    landmarks: int = 0,
) -> Detections:
    """Decode 1 x N x (5 + classes): cx cy w h in input pixels, objectness, class scores.

    Columns of landmarks, before the class scores, and columns after them are ignored.
    """
    anchors = outputs[0][0]
    first_class = _BOX_COLUMNS + landmarks
    if landmarks:
        anchors = np.delete(anchors, np.s_[_BOX_COLUMNS:first_class], axis=1)
    anchors = anchors[:, : _BOX_COLUMNS + class_count]
    boxes, scores, class_ids = select_anchors(anchors, score_threshold)
    return to_detections(cxcywh_to_xyxy(boxes), scores, class_ids)


def select_anchors(anchors: Array, score_threshold: float) -> tuple[Array, Array, Array]:
    """Select the anchors whose best class reaches the threshold.

    Args:
        anchors: N x (5 + classes): a box, its objectness, and class scores, all from 0 to 1.
        score_threshold: the lowest score to select; a score is objectness x class score.

    Returns:
        The boxes, unchanged, the scores, and the class ids of the selected anchors.
    """
    # A score is at most the objectness, which is too low for most anchors.
    likely = anchors[np.flatnonzero(anchors[:, 4] >= score_threshold)]
    scores = likely[:, 4:5] * likely[:, _BOX_COLUMNS:]
    class_ids = scores.argmax(axis=1)
    best = scores[np.arange(len(class_ids)), class_ids]
    rows = np.flatnonzero(best >= score_threshold)
    return likely[rows, :4], best[rows], class_ids[rows]


def _landmark_columns(graph: Graph, columns: int) -> int:
    """Return the number of columns of landmarks, by the number of labels.

    Raises:
        UnsupportedModelError: there are no labels, and the columns may be those of faces or plates.
    """
    if graph.label_count is None:
        if columns in _FACE_OR_PLATE_COLUMNS:
            raise UnsupportedModelError(
                f"its output '{graph.outputs[0]}' has {columns - _BOX_COLUMNS} classes, or "
                "landmarks and one or two classes, as detectors of faces and plates have "
                "(yolov5-face, HyperLPR). The number of labels decides. Write a label for each "
                "class as 'labels' on the model card (`pretag model card` writes a card to begin "
                "with)."
            )
        return 0
    rest = columns - _BOX_COLUMNS - graph.label_count
    return rest if rest in _LANDMARK_COLUMNS else 0


def _may_be_anchors(graph: Graph, rows: int) -> bool:
    """Return whether the rows are known to be anchors, or are as many as the input has anchors."""
    if graph.card_family == _NAME or has_ultralytics_metadata(graph):
        return True
    size = assumed_input_size(graph.image_input)
    strides = find_strides(rows, size, ALL_STRIDES, _ANCHORS_PER_CELL) or find_strides(rows, size)
    return strides is not None


FAMILY = Family(
    name=_NAME,
    expects="an output of 1 x N x (5 + classes), such as YOLOv5, YOLOv6 and YOLOv7 export",
    recognise=recognise,
)
