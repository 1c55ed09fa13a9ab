"""Faster and Mask R-CNN of maskrcnn-benchmark, such as the ONNX model zoo has.

They end as torchvision's do, and want the picture scaled and its mean taken off.
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

# The zoo's files, whose outputs have numbers for names; other exports keep the layers' names.
_ZOO_BOXES = ("6379", "6568")
_CLASS_HEAD = r"box\.predictor\.cls_score\.bias$"
_COCO_CLASSES = 80
# The zoo's code scales to the short side and sets no limit to the long one; this is one for memory.
_SHORT_SIDE, _LONGEST, _STEP = 800, 3200, 32
_MEAN_BGR = (102.9801, 115.9465, 122.7717)


def recognise(graph: Graph) -> DecodeSpec | None:
    """Know N x 4 boxes, N labels and N scores by names that torchvision has not."""
    ports = torchvision.roles(graph)
    if ports is None:
        return None
    columns = graph.bias_width(_CLASS_HEAD)
    if ports[0].name not in _ZOO_BOXES and columns is None:
        return None
    image = graph.image
    free = image.width is None or image.height is None
    return DecodeSpec(
        why="it gives N x 4 boxes, N labels and N scores, named as maskrcnn-benchmark's",
        preprocess=Preprocess(
            resize="keep-ratio" if free else "stretch",
            width=image.width or _LONGEST,
            height=image.height or _SHORT_SIDE,
            step=_STEP if free else None,
            filter="antialias",
            padding=None,
            colour="bgr",
            scale=1.0,
            mean=_MEAN_BGR,
        ),
        outputs=tuple(port.name for port in ports),
        decode=torchvision.decode,
        needs_nms=False,
        class_count=_COCO_CLASSES if columns is None else columns - 1,
        first_class_id=1,
    )


FAMILY = Family(
    name="maskrcnn-benchmark",
    expects="outputs boxes (N x 4), labels (N, int64) and scores (N), such as the ONNX model zoo's "
    "Faster and Mask R-CNN",
    recognise=recognise,
)
