"""RT-DETR, D-FINE and DEIM as their own repositories export them: labels, boxes and scores.

https://github.com/lyuwenyu/RT-DETR/blob/main/rtdetrv2_pytorch/tools/export_onnx.py
https://github.com/Peterande/D-FINE/blob/master/tools/deployment/export_onnx.py
https://github.com/Intellindust-AI-Lab/DEIMv2/blob/main/tools/deployment/export_onnx.py
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.detection.families.common.base import DecodeSpec, Family, to_detections
from pipeline.detection.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.detection.families.common.base import Array
    from pipeline.detection.graph import Graph
    from pipeline.frame import Detections

_USUAL_SIZE = 640
_RANKS = {"labels": 2, "boxes": 3, "scores": 2}
# The layers that score classes keep their names through PyTorch's exporter, and their biases are as
# long as there are classes. The encoder's comes last: some train it to tell objects only.
_CLASS_HEADS = ("dec_score_head", "enc_score_head")
# DEIMv2 with DINOv3 is trained on normalised pictures, all others on plain ones. It is called so in
# its own code, and known by what is around it in transformers:
# https://github.com/Intellindust-AI-Lab/DEIMv2/blob/main/tools/inference/onnx_inf.py
# https://github.com/huggingface/transformers/tree/main/src/transformers/models/deimv2
_NORMALISED_BACKBONES = ("dinov3", "spatial_tuning_adapter")


def recognise(graph: Graph) -> DecodeSpec | None:
    """Know three outputs and the second input, to whose sizes the boxes are scaled."""
    ports = [graph.output(name, rank=rank) for name, rank in _RANKS.items()]
    sized = any(port.name == "orig_target_sizes" for port in graph.inputs)
    if not sized or not all(ports):
        return None
    return DecodeSpec(
        why="it takes 'orig_target_sizes', and gives labels, boxes and scores",
        preprocess=stretched(graph),
        outputs=tuple(port.name for port in ports if port is not None),
        decode=decode,
        needs_nms=False,
        class_count=class_count(graph),
    )


def decode(outputs: Sequence[Array], score_threshold: float, _size: tuple[int, int]) -> Detections:
    """Read 1 x N class ids, 1 x N x 4 x1 y1 x2 y2 in input pixels, and 1 x N scores."""
    ids, boxes, scores = (output[0] for output in outputs)
    rows = np.flatnonzero(scores >= score_threshold)
    return to_detections(boxes[rows], scores[rows], ids[rows])


def is_kin(graph: Graph) -> bool:
    """Tell whether a graph holds RT-DETR's heads, or those of its kin."""
    return any(head in name for name in graph.weights for head in _CLASS_HEADS)


def stretched(graph: Graph) -> Preprocess:
    """Return RT-DETR's preprocessing: RGB from 0 to 1, stretched by Pillow or as it does."""
    image = graph.image
    normalised = any(mark in name for name in graph.weights for mark in _NORMALISED_BACKBONES)
    return Preprocess(
        resize="stretch",
        width=image.width or _USUAL_SIZE,
        height=image.height or _USUAL_SIZE,
        filter="antialias",
        mean=IMAGENET_MEAN if normalised else (0.0, 0.0, 0.0),
        std=IMAGENET_STD if normalised else (1.0, 1.0, 1.0),
    )


def class_count(graph: Graph) -> int | None:
    """Return how many classes its heads score; None if its weights were renamed."""
    widths = (graph.bias_width(rf"{head}(\.\d+)?\.bias$") for head in _CLASS_HEADS)
    return next(filter(None, widths), None)


FAMILY = Family(
    name="rtdetr",
    expects="an input orig_target_sizes, and outputs labels, boxes and scores, such as RT-DETR, "
    "D-FINE and DEIM export",
    recognise=recognise,
)
