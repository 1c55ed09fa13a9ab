"""RT-DETR, D-FINE and DEIM as their own repositories export them.

Graph: an input `orig_target_sizes` besides the image; outputs `labels` (1 x N), `boxes`
(1 x N x 4) and `scores` (1 x N).
Preprocessing: stretched, scaled as Pillow does it; RGB, 0 to 1. DEIMv2 with a DINOv3 backbone also
needs ImageNet's mean and standard deviation.
Decoding: the graph scales boxes to `orig_target_sizes`, which pretag sets to the size of the input;
boxes are x1 y1 x2 y2 in its pixels. No NMS.

Sources:
https://github.com/lyuwenyu/RT-DETR/blob/main/rtdetrv2_pytorch/tools/export_onnx.py
https://github.com/Peterande/D-FINE/blob/master/tools/deployment/export_onnx.py
https://github.com/Intellindust-AI-Lab/DEIMv2/blob/main/tools/deployment/export_onnx.py
https://github.com/Intellindust-AI-Lab/DEIMv2/blob/main/tools/inference/onnx_inf.py
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
_SIZES_INPUT = "orig_target_sizes"
_OUTPUT_RANKS = {"labels": 2, "boxes": 3, "scores": 2}
# Layers that predict class scores. PyTorch's exporter keeps their names, and their biases have one
# value for each class. The encoder's comes second: some models train it with a single class.
_CLASS_HEADS = ("dec_score_head", "enc_score_head")
# Layers of DEIMv2's DINOv3 backbone, in its own repository and in transformers:
# https://github.com/huggingface/transformers/tree/main/src/transformers/models/deimv2
_DINOV3_LAYERS = ("dinov3", "spatial_tuning_adapter")


def recognise(graph: Graph) -> DecodeSpec | None:
    """Recognise the input `orig_target_sizes` and the three outputs by their names."""
    tensors = [graph.output(name, rank=rank) for name, rank in _OUTPUT_RANKS.items()]
    has_sizes_input = any(tensor.name == _SIZES_INPUT for tensor in graph.inputs)
    if not has_sizes_input or not all(tensors):
        return None
    return DecodeSpec(
        why=f"it has an input '{_SIZES_INPUT}', and outputs labels, boxes and scores",
        preprocess=rtdetr_preprocess(graph),
        outputs=tuple(tensor.name for tensor in tensors if tensor is not None),
        decode=decode,
        needs_nms=False,
        class_count=class_count_of_head(graph),
    )


def decode(outputs: Sequence[Array], score_threshold: float, _size: tuple[int, int]) -> Detections:
    """Decode 1 x N class ids, 1 x N x 4 x1 y1 x2 y2 in input pixels, and 1 x N scores."""
    class_ids, boxes, scores = (output[0] for output in outputs)
    rows = np.flatnonzero(scores >= score_threshold)
    return to_detections(boxes[rows], scores[rows], class_ids[rows])


def has_rtdetr_head(graph: Graph) -> bool:
    """Return whether the weights have the names of the heads of RT-DETR, D-FINE and DEIM."""
    return any(head in name for name in graph.weights for head in _CLASS_HEADS)


def rtdetr_preprocess(graph: Graph) -> Preprocess:
    """Return the preprocessing of RT-DETR, or of DEIMv2 if the backbone is DINOv3."""
    image_input = graph.image_input
    has_dinov3 = any(layer in name for name in graph.weights for layer in _DINOV3_LAYERS)
    return Preprocess(
        resize="stretch",
        width=image_input.width or _USUAL_SIZE,
        height=image_input.height or _USUAL_SIZE,
        filter="antialias",
        mean=IMAGENET_MEAN if has_dinov3 else (0.0, 0.0, 0.0),
        std=IMAGENET_STD if has_dinov3 else (1.0, 1.0, 1.0),
    )


def class_count_of_head(graph: Graph) -> int | None:
    """Return the number of classes that the heads score; None if the export renamed the weights."""
    widths = (graph.bias_width(rf"{head}(\.\d+)?\.bias$") for head in _CLASS_HEADS)
    return next(filter(None, widths), None)


FAMILY = Family(
    name="rtdetr",
    expects="an input orig_target_sizes, and outputs labels, boxes and scores, such as RT-DETR, "
    "D-FINE and DEIM export",
    recognise=recognise,
)
