"""RT-DETR, D-FINE and DEIM as their own repositories export them: labels, boxes and scores.

https://github.com/lyuwenyu/RT-DETR/blob/main/rtdetrv2_pytorch/tools/export_onnx.py
https://github.com/Peterande/D-FINE/blob/master/tools/deployment/export_onnx.py
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.detection.families.family import Family, Reading, detections
from pipeline.detection.preprocess import Preprocess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.detection.families.family import Array
    from pipeline.detection.graph import Graph
    from pipeline.frame import Detections

_USUAL_SIZE = 640
# The layers that score classes keep their names through PyTorch's exporter, as long as classes.
_CLASS_BIASES = ("enc_score_head.bias",)


def read(graph: Graph) -> Reading | None:
    """Know three outputs and the second input, to whose sizes the boxes are scaled."""
    ports = [graph.output(name) for name in ("labels", "boxes", "scores")]
    sized = any(port.name == "orig_target_sizes" for port in graph.inputs)
    if not sized or not all(ports):
        return None
    return Reading(
        why="it takes 'orig_target_sizes', and gives labels, boxes and scores",
        preprocess=stretched(graph),
        outputs=tuple(port.name for port in ports if port is not None),
        decode=decode,
        suppress=False,
        class_count=class_count(graph),
    )


def decode(outputs: Sequence[Array], score_threshold: float, _size: tuple[int, int]) -> Detections:
    """Read 1 x N class ids, 1 x N x 4 x1 y1 x2 y2 in input pixels, and 1 x N scores."""
    ids, boxes, scores = (output[0] for output in outputs)
    rows = np.flatnonzero(scores >= score_threshold)
    return detections(boxes[rows], scores[rows], ids[rows])


def stretched(graph: Graph) -> Preprocess:
    """Return RT-DETR's preprocessing: RGB from 0 to 1, stretched by Pillow or as it does."""
    image = graph.image
    return Preprocess(
        resize="stretch",
        width=image.width or _USUAL_SIZE,
        height=image.height or _USUAL_SIZE,
        filter="antialias",
    )


def class_count(graph: Graph) -> int | None:
    """Return how many classes its encoder scores; None if its weights were renamed."""
    for name, shape in graph.weights.items():
        if name.endswith(_CLASS_BIASES) and len(shape) == 1:
            return shape[0]
    return None


FAMILY = Family(
    name="rtdetr",
    expects="an input orig_target_sizes, and outputs labels, boxes and scores, such as RT-DETR, "
    "D-FINE and DEIM export",
    read=read,
)
