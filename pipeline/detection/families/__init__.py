"""Model families: by what a graph is known as one, and how its outputs become boxes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.detection.families import (
    detr,
    detr_sigmoid,
    efficient_nms,
    efficientdet,
    end_to_end,
    maskrcnn_benchmark,
    nanodet,
    paddle,
    picodet,
    rf_detr,
    rtdetr,
    ssd,
    tensorflow,
    tflite,
    torchvision,
    ultralytics,
    ultralytics_rtdetr,
    yolov5,
    yolox,
)

if TYPE_CHECKING:
    from pipeline.detection.families.family import Family

# In the order in which they are asked: those that ask for names, then those that ask for shapes,
# the narrower first.
FAMILIES: tuple[Family, ...] = (
    tensorflow.FAMILY,
    tflite.FAMILY,
    efficient_nms.FAMILY,
    rtdetr.FAMILY,
    paddle.FAMILY,
    ssd.FAMILY,
    rf_detr.FAMILY,
    detr.FAMILY,
    detr_sigmoid.FAMILY,
    maskrcnn_benchmark.FAMILY,
    torchvision.FAMILY,
    ultralytics_rtdetr.FAMILY,
    efficientdet.FAMILY,
    picodet.FAMILY,
    nanodet.FAMILY,
    end_to_end.FAMILY,
    ultralytics.FAMILY,
    yolox.FAMILY,
    yolov5.FAMILY,
)
