"""MMDetection's and MMYOLO's models as MMDeploy exports them, with NMS.

Graph: outputs `dets`, 1 x N x 5, and `labels`, 1 x N integers; `masks` can follow.
Preprocessing: that of the model's configuration, in units of 0 to 255. No file of the export but
its `pipeline.json` shows it, so that it must be on the card.
Decoding: the columns are x1 y1 x2 y2 in input pixels and the score; class ids begin with 0. No NMS.

Sources:
https://github.com/open-mmlab/mmdeploy/blob/main/configs/mmdet/_base_/base_static.py
https://github.com/open-mmlab/mmdeploy/blob/main/mmdeploy/mmcv/ops/nms.py
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.detection.families.common.base import DecodeSpec, Family, to_detections
from pipeline.detection.preprocess import Preprocess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.detection.families.common.base import Array
    from pipeline.detection.graph import Graph
    from pipeline.frame import Detections

_BOXES, _CLASSES = "dets", "labels"
_BOX_COLUMNS = 4
_USUAL_SIZE = 640


def recognise(graph: Graph) -> DecodeSpec | None:
    """Recognise `dets` with a score in each row, and `labels` of integers."""
    boxes, classes = graph.output(_BOXES, rank=3), graph.output(_CLASSES, rank=2)
    if boxes is None or classes is None or "int" not in classes.type:
        return None
    if boxes.shape is None or boxes.shape[-1] != _BOX_COLUMNS + 1:
        return None
    image_input = graph.image_input
    return DecodeSpec(
        why=f"'{boxes}' has one row for each object, box and score, and '{classes}' its class",
        preprocess=Preprocess(
            resize="keep-ratio" if image_input.has_free_size else "top-left",
            width=image_input.width or _USUAL_SIZE,
            height=image_input.height or _USUAL_SIZE,
            scale=1.0,
        ),
        outputs=(_BOXES, _CLASSES),
        decode=decode,
        needs_nms=False,
        class_count=None,
        required_card_keys=("resize", "colour", "mean", "std"),
    )


def decode(outputs: Sequence[Array], score_threshold: float, _size: tuple[int, int]) -> Detections:
    """Decode 1 x N x 5 x1 y1 x2 y2 in input pixels and score, and 1 x N class ids.

    Rows with class id -1 are padding.
    """
    rows, class_ids = outputs[0][0], outputs[1][0]
    scores = rows[:, _BOX_COLUMNS]
    found = np.flatnonzero((scores >= score_threshold) & (class_ids >= 0))
    return to_detections(rows[found, :_BOX_COLUMNS], scores[found], class_ids[found])


FAMILY = Family(
    name="mmdeploy",
    expects="outputs dets (1 x N x 5) and labels (1 x N, integers), such as MMDeploy exports",
    recognise=recognise,
)
