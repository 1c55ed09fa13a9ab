"""RetinaFace in PyTorch: offsets from priors, scores of background and face, and landmarks.

Graph: three outputs of 1 x N x 4, 1 x N x 2 and 1 x N x 10, in any order, where N is the number of
RetinaFace's priors, or of those of its small relatives, "slim" and "RFB".
Preprocessing: scaled into the top left corner, the mean around; BGR, 0 to 255, minus the mean.
Decoding: offsets from priors; the second score is that of a face. Needs NMS.

Sources:
https://github.com/biubug6/Pytorch_Retinaface/blob/master/detect.py
https://github.com/biubug6/Pytorch_Retinaface/blob/master/layers/functions/prior_box.py
https://github.com/biubug6/Face-Detector-1MB-with-landmark/blob/master/data/config.py
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from pipeline.detection.families.common.base import DecodeSpec, Family, to_detections
from pipeline.detection.families.common.grids import assumed_input_size
from pipeline.detection.families.common.priors import (
    PriorGrid,
    count_priors,
    decode_offsets,
    pixel_priors,
)
from pipeline.detection.preprocess import Preprocess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.detection.families.common.base import Array
    from pipeline.detection.graph import Graph
    from pipeline.frame import Detections

_Grids = tuple[PriorGrid, ...]

_RETINAFACE = (PriorGrid(8, (16, 32)), PriorGrid(16, (64, 128)), PriorGrid(32, (256, 512)))
_SLIM_AND_RFB = (
    PriorGrid(8, (10, 16, 24)),
    PriorGrid(16, (32, 48)),
    PriorGrid(32, (64, 96)),
    PriorGrid(64, (128, 192, 256)),
)
_BOX_COLUMNS, _SCORE_COLUMNS, _LANDMARK_COLUMNS = 4, 2, 10
_RANK = 3
_MEAN_BGR = (104.0, 117.0, 123.0)
_USUAL_SIZE = 640


def recognise(graph: Graph) -> DecodeSpec | None:
    """Recognise boxes, scores and landmarks of each prior by their shapes."""
    by_columns = {
        tensor.shape[-1]: tensor
        for tensor in graph.outputs
        if tensor.shape and tensor.rank == _RANK
    }
    rows = {tensor.shape[1] for tensor in by_columns.values() if tensor.shape}
    if by_columns.keys() != {_BOX_COLUMNS, _SCORE_COLUMNS, _LANDMARK_COLUMNS} or len(rows) != 1:
        return None
    size, count = assumed_input_size(graph.image_input), rows.pop()
    grids = next((g for g in (_RETINAFACE, _SLIM_AND_RFB) if count_priors(size, g) == count), None)
    if grids is None:
        return None
    boxes, scores = by_columns[_BOX_COLUMNS], by_columns[_SCORE_COLUMNS]
    return DecodeSpec(
        why=f"'{boxes}' has one row for each prior of RetinaFace, and two more outputs have the "
        "scores and the landmarks",
        preprocess=Preprocess(
            resize="top-left",
            width=graph.image_input.width or _USUAL_SIZE,
            height=graph.image_input.height or _USUAL_SIZE,
            padding=None,
            colour="bgr",
            scale=1.0,
            mean=_MEAN_BGR,
        ),
        outputs=(boxes.name, scores.name),
        decode=partial(decode, grids=grids),
        needs_nms=True,
        class_count=1,
        labels=("face",),
        unread=("landmarks",),
    )


def decode(
    outputs: Sequence[Array], score_threshold: float, size: tuple[int, int], *, grids: _Grids
) -> Detections:
    """Decode 1 x N x 4 offsets from priors, and 1 x N x 2 scores of background and face."""
    scores = outputs[1][0, :, 1]
    rows = np.flatnonzero(scores >= score_threshold)
    boxes = decode_offsets(outputs[0][0][rows], pixel_priors(size, grids)[rows])
    return to_detections(boxes, scores[rows], np.zeros(len(rows)))


FAMILY = Family(
    name="retinaface",
    expects="outputs of 1 x N x 4, 1 x N x 2 and 1 x N x 10 with one row for each prior, such as "
    "RetinaFace exports",
    recognise=recognise,
)
