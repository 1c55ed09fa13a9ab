"""The default model, with outputs in the form of each family, detects the same objects."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import av
import numpy as np
import pytest

from pipeline.config.schema import DetectorConfig
from pipeline.detection.boxes import iou
from pipeline.detection.detector import Detector
from pipeline.detection.model import Model
from pipeline.detection.registry import FAMILIES
from pipeline.frame import Detections, Image
from tests.support import clips, family_exports
from tests.support.default_model import DEFAULT_MODEL

pytestmark = pytest.mark.usefixtures("forked_children")

Head = Callable[[Path], Path]
"""Writes the default model with a family's outputs to a path, and returns the path."""

HEADS: dict[str, tuple[Head, ...]] = {
    "yolov5": (family_exports.yolov5,),
    "yolox": (
        partial(family_exports.yolox, in_pixels=False),
        partial(family_exports.yolox, in_pixels=True),
    ),
    "end-to-end": (family_exports.end_to_end,),
    "named-columns": (family_exports.named_columns,),
    "yolo-nas": (family_exports.yolo_nas,),
    "mmdeploy": (family_exports.mmdeploy,),
    "efficient-nms": (family_exports.efficient_nms,),
    "rtdetr": (family_exports.rtdetr,),
    "ultralytics-rtdetr": (
        partial(family_exports.ultralytics_rtdetr, has_best_class=False),
        partial(family_exports.ultralytics_rtdetr, has_best_class=True),
    ),
    "detr": (family_exports.detr,),
    "detr-sigmoid": (family_exports.detr_sigmoid,),
    "rf-detr": (family_exports.rf_detr,),
    "torchvision": (family_exports.torchvision,),
    "maskrcnn-benchmark": (family_exports.maskrcnn_benchmark,),
    "tensorflow": (family_exports.tensorflow,),
    "tflite": (family_exports.tflite,),
    "ssd": (family_exports.ssd,),
}
# Families without a head in HEADS. `ultralytics` is the default model's own family. The outputs of
# `nanodet` and `picodet` cannot be computed from boxes, and those of the face detectors and
# FastestDet belong to their own cells and priors; their tests decode known arrays. Models of
# `paddle` and `efficientdet` need a model card.
WITHOUT_HEAD = {
    *("ultralytics", "nanodet", "picodet", "paddle", "efficientdet", "fastestdet"),
    *("ultraface", "scrfd", "yunet", "retinaface"),
}


CONFIG = DetectorConfig(score_threshold=0.4, iou_threshold=0.5)


@pytest.fixture(scope="module")
def expected() -> list[tuple[Image, Detections]]:
    """Return three frames of the sample, and what the default model detects in each."""

    def read() -> Iterator[Image]:
        with av.open(str(clips.SAMPLE)) as container:
            for index, frame in enumerate(clips.decoded_frames(container)):
                if index in (0, 100, 200):
                    yield np.asarray(frame.to_ndarray(format="bgr24"), dtype=np.uint8)

    default = Detector(Model.load(str(DEFAULT_MODEL)), CONFIG)
    return [(frame, default.detect(frame)) for frame in read()]


@pytest.mark.parametrize(
    ("family", "head"), [(family, head) for family, heads in HEADS.items() for head in heads]
)
def test_the_model_with_a_head_detects_the_same_objects_as_without(
    tmp_path: Path, expected: list[tuple[Image, Detections]], family: str, head: Head
) -> None:
    model = Model.load(str(head(tmp_path / "with_head.onnx")))
    assert model.family == family
    with_head = Detector(model, CONFIG)
    for frame, of_default in expected:
        detections = with_head.detect(frame)
        assert len(of_default) >= 5
        assert detections.class_ids.tolist() == of_default.class_ids.tolist()
        assert np.abs(detections.scores - of_default.scores).max() <= 1e-3
        assert np.diag(iou(detections.boxes, of_default.boxes)).min() >= 0.99
    blank = np.full((96, 96, 3), 114, np.uint8)
    assert len(with_head.detect(blank)) == 0


def test_every_family_has_a_head_or_is_listed_as_one_without() -> None:
    assert {family.name for family in FAMILIES} == HEADS.keys() | WITHOUT_HEAD
