"""Faster and Mask R-CNN of maskrcnn-benchmark, such as those of the ONNX model zoo.

Graph: outputs of N x 4, N (int64) and N, as in the family `torchvision`; the boxes have the name
that they have in the model zoo, or the weights have the names of maskrcnn-benchmark's layers.
Preprocessing: BGR, 0 to 255, minus the mean. An input of a free size keeps the proportions, with a
short side of 800 pixels, padded to multiples of 32; else stretched.
Decoding: as in the family `torchvision`; class 0 is the background. No NMS.

Sources:
https://github.com/onnx/models/tree/main/validated/vision/object_detection_segmentation/faster-rcnn
https://github.com/onnx/models/tree/main/validated/vision/object_detection_segmentation/mask-rcnn
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.detection.families import torchvision
from pipeline.detection.families.common.base import DecodeSpec, Family
from pipeline.detection.preprocess import Preprocess

if TYPE_CHECKING:
    from pipeline.detection.graph import Graph

# Names of the boxes in the model zoo's Faster R-CNN and Mask R-CNN, whose weights are not named.
_ZOO_BOXES = ("6379", "6568")
_CLASS_HEAD = r"box\.predictor\.cls_score\.bias$"
_COCO_CLASSES = 80
# The zoo's code scales the short side to 800 pixels and does not limit the long side. The limit
# here keeps memory bounded.
_SHORT_SIDE, _LONG_SIDE, _STEP = 800, 3200, 32
_MEAN_BGR = (102.9801, 115.9465, 122.7717)


def recognise(graph: Graph) -> DecodeSpec | None:
    """Recognise torchvision's outputs with names that only maskrcnn-benchmark has."""
    outputs = torchvision.find_outputs(graph)
    if outputs is None:
        return None
    class_head_width = graph.bias_width(_CLASS_HEAD)
    if outputs[0].name not in _ZOO_BOXES and class_head_width is None:
        return None
    image_input = graph.image_input
    return DecodeSpec(
        why="its outputs are N x 4 boxes, N labels and N scores, and its names are those of "
        "maskrcnn-benchmark",
        preprocess=Preprocess(
            resize="keep-ratio" if image_input.has_free_size else "stretch",
            width=image_input.width or _LONG_SIDE,
            height=image_input.height or _SHORT_SIDE,
            step=_STEP if image_input.has_free_size else None,
            filter="antialias",
            padding=None,
            colour="bgr",
            scale=1.0,
            mean=_MEAN_BGR,
        ),
        outputs=tuple(tensor.name for tensor in outputs),
        decode=torchvision.decode,
        needs_nms=False,
        class_count=_COCO_CLASSES if class_head_width is None else class_head_width - 1,
        first_class_id=1,
    )


FAMILY = Family(
    name="maskrcnn-benchmark",
    expects="outputs boxes (N x 4), labels (N, int64) and scores (N), such as those of the ONNX "
    "model zoo's Faster and Mask R-CNN",
    recognise=recognise,
)
