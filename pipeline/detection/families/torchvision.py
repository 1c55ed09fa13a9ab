"""torchvision's detectors, which scale and normalise the picture themselves.

https://docs.pytorch.org/vision/stable/models.html#object-detection
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.detection.families.family import Family, Reading, detections
from pipeline.detection.preprocess import Preprocess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.detection.families.family import Array
    from pipeline.detection.graph import Graph, Port
    from pipeline.frame import Detections

# The biases of its class heads; all but the first are a class for each of so many anchors.
_CLASS_BIAS, _ANCHOR_BIASES = "cls_score.bias", "cls_logits.bias"
_BOX_BIASES = "bbox_reg.bias"


def read(graph: Graph) -> Reading | None:
    """Know N x 4 boxes, N labels and N scores, in any order and under any name."""
    if len(graph.inputs) > 1:
        return None
    ports = {_role(port): port for port in graph.outputs}
    if not {"boxes", "labels", "scores"} <= ports.keys():
        return None
    image = graph.image
    free = image.width is None or image.height is None
    classes = _class_count(graph)
    return Reading(
        why="it gives N x 4 boxes, N labels and N scores, without a batch",
        preprocess=Preprocess(
            resize="none" if free else "letterbox",
            width=image.width or 0,
            height=image.height or 0,
            padding=0,
        ),
        outputs=tuple(ports[role].name for role in ("boxes", "labels", "scores")),
        decode=decode,
        suppress=False,
        class_count=None if classes is None else classes - 1,
        first_class_id=1,
    )


def decode(outputs: Sequence[Array], score_threshold: float, _size: tuple[int, int]) -> Detections:
    """Read N x 4 x1 y1 x2 y2 in input pixels, N class ids from 1, and N scores."""
    boxes, ids, scores = outputs
    rows = np.flatnonzero(scores >= score_threshold)
    return detections(boxes[rows], scores[rows], ids[rows])


def _role(port: Port) -> str | None:
    match port.rank, port.type:
        case 2, "float32" if port.shape is not None and port.shape[1] == 4:  # noqa: PLR2004
            return "boxes"
        case 1, "int64":
            return "labels"
        case 1, "float32":
            return "scores"
    return None


def _class_count(graph: Graph) -> int | None:
    """Return how many classes its head scores, the background being one; None: not to be seen."""
    lengths = {
        suffix: [shape[0] for name, shape in graph.weights.items() if name.endswith(suffix)]
        for suffix in (_CLASS_BIAS, _ANCHOR_BIASES, _BOX_BIASES)
    }
    if lengths[_CLASS_BIAS]:
        return lengths[_CLASS_BIAS][0]
    if lengths[_ANCHOR_BIASES] and lengths[_BOX_BIASES]:
        return lengths[_ANCHOR_BIASES][0] * 4 // lengths[_BOX_BIASES][0]
    return None


FAMILY = Family(
    name="torchvision",
    expects="outputs boxes (N x 4), labels (N, int64) and scores (N), such as torchvision exports",
    read=read,
)
