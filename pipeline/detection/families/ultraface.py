"""UltraFace, with or without its last step, which makes boxes of offsets from priors.

Graph: outputs `boxes`, 1 x N x 4, and `scores`, 1 x N x (1 + classes), where N is the number of
UltraFace's priors. Without an operator `Exp`, a graph cannot decode offsets: `boxes` holds them.
Preprocessing: that of the family `ssd`.
Decoding: offsets from priors, or boxes as in the family `ssd`; class 0 is the background. It needs
NMS.

Sources:
https://github.com/Linzaer/Ultra-Light-Fast-Generic-Face-Detector-1MB/tree/master/vision/ssd/config
https://github.com/Linzaer/Ultra-Light-Fast-Generic-Face-Detector-1MB/tree/master/vision/utils
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pipeline.detection.families import ssd
from pipeline.detection.families.common.base import (
    Family,
    select_every_class,
    to_detections,
)
from pipeline.detection.families.common.grids import assumed_input_size
from pipeline.detection.families.common.priors import (
    PriorGrid,
    count_priors,
    decode_offsets,
    stretched_priors,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.detection.families.common.base import Array, DecodeSpec
    from pipeline.detection.graph import Graph
    from pipeline.frame import Detections

_FACE_COLUMNS = 2  # the background and the face
_GRIDS = (
    PriorGrid(8, (10, 16, 24)),
    PriorGrid(16, (32, 48)),
    PriorGrid(32, (64, 96)),
    PriorGrid(64, (128, 192, 256)),
)


def recognise(graph: Graph) -> DecodeSpec | None:
    """Recognise the outputs of the family `ssd` with one row for each prior of UltraFace."""
    outputs = ssd.find_outputs(graph)
    if outputs is None:
        return None
    if outputs.rows != count_priors(assumed_input_size(graph.image_input), _GRIDS):
        return None
    is_decoded = ssd.DECODE_OPERATOR in graph.operators
    content = "a box" if is_decoded else "offsets that no operator decodes,"
    return replace(
        ssd.make_spec(graph, outputs),
        why=f"'{outputs.boxes}' has {content} for each prior of UltraFace; class 0 is the "
        "background",
        decode=ssd.decode if is_decoded else decode,
        labels=("face",) if outputs.columns == _FACE_COLUMNS else None,
    )


def decode(outputs: Sequence[Array], score_threshold: float, size: tuple[int, int]) -> Detections:
    """Decode 1 x N x 4 offsets from priors, and 1 x N x (1 + classes) scores."""
    rows, scores, class_ids = select_every_class(outputs[1][0][:, 1:], score_threshold)
    boxes = decode_offsets(outputs[0][0][rows], stretched_priors(size, _GRIDS)[rows])
    return to_detections(boxes * np.array(size * 2, dtype=np.float32), scores, class_ids + 1)


FAMILY = Family(
    name="ultraface",
    expects="outputs boxes and scores with one row for each prior of UltraFace",
    recognise=recognise,
)
