"""YuNet, the face detector of OpenCV: for each grid a class score, an objectness and a box.

Graph: outputs `cls_8`, `obj_8` and `bbox_8` of 1 x n x 1, 1 x n x 1 and 1 x n x 4, and the same for
the strides 16 and 32; `kps_8` and so on follow. Versions before 2023 have other outputs.
Preprocessing: scaled into the top left corner, zeros around; BGR, 0 to 255. OpenCV does not scale
images: it gives the model another size for each.
Decoding: centres are offsets from the corner of a cell and sizes are logarithms, in strides; a
score is the root of class score x objectness. Needs NMS.

Sources:
https://github.com/opencv/opencv/blob/4.x/modules/objdetect/src/face_detect.cpp
https://github.com/opencv/opencv_zoo/tree/main/models/face_detection_yunet
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.detection.boxes import cxcywh_to_xyxy
from pipeline.detection.families.common.base import DecodeSpec, Family, to_detections
from pipeline.detection.families.common.grids import cell_grid
from pipeline.detection.preprocess import Preprocess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.detection.families.common.base import Array
    from pipeline.detection.graph import Graph
    from pipeline.frame import Detections

_STRIDES = (8, 16, 32)
_KINDS = ("cls", "obj", "bbox")
_USUAL_SIZE = 640


def recognise(graph: Graph) -> DecodeSpec | None:
    """Recognise the outputs of the three grids by their names."""
    names = tuple(f"{kind}_{stride}" for kind in _KINDS for stride in _STRIDES)
    if not all(graph.output(name, rank=3) for name in names):
        return None
    image_input = graph.image_input
    return DecodeSpec(
        why=f"its outputs are {', '.join(names)}",
        preprocess=Preprocess(
            resize="top-left",
            width=image_input.width or _USUAL_SIZE,
            height=image_input.height or _USUAL_SIZE,
            padding=0,
            colour="bgr",
            scale=1.0,
        ),
        outputs=names,
        decode=decode,
        needs_nms=True,
        class_count=1,
        labels=("face",),
    )


def decode(outputs: Sequence[Array], score_threshold: float, size: tuple[int, int]) -> Detections:
    """Decode class scores, objectness and boxes, each of the finest grid first."""
    class_scores, objectness, boxes = (
        np.concatenate([output[0] for output in outputs[start : start + len(_STRIDES)]])
        for start in range(0, len(outputs), len(_STRIDES))
    )
    scores = np.sqrt(np.clip(class_scores[:, 0], 0, 1) * np.clip(objectness[:, 0], 0, 1))
    rows = np.flatnonzero(scores >= score_threshold)
    positions, strides = (array[rows] for array in cell_grid(size, _STRIDES))
    centres, sizes = positions + boxes[rows, :2], np.exp(boxes[rows, 2:])
    pixels = np.concatenate([centres, sizes], axis=1) * strides
    return to_detections(cxcywh_to_xyxy(pixels), scores[rows], np.zeros(len(rows)))


FAMILY = Family(
    name="yunet",
    expects="outputs cls_8, obj_8, bbox_8 and the same for the strides 16 and 32, such as YuNet "
    "has since 2023",
    recognise=recognise,
)
