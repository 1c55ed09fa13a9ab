"""The default model with each family's head finds the same objects."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import av
import numpy as np
import pytest

from pipeline.config.schema import DetectorConfig
from pipeline.detection.detector import Detector
from pipeline.detection.model import Model
from pipeline.detection.registry import FAMILIES
from pipeline.frame import Detections, Image
from tests.support import clips, family_exports
from tests.support.default_model import DEFAULT_MODEL

Head = Callable[[Path], Path]

HEADS: dict[str, tuple[Head, ...]] = {
    "yolov5": (family_exports.yolov5,),
    "yolox": (
        partial(family_exports.yolox, in_pixels=False),
        partial(family_exports.yolox, in_pixels=True),
    ),
    "end-to-end": (family_exports.end_to_end,),
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
# The default model's own; heads that no box can be turned into, tested with known tensors; and
# those that say too little to be read without a card.
OTHERS = {"ultralytics", "nanodet", "picodet", "paddle", "efficientdet"}


@pytest.fixture(scope="module")
def frames() -> list[Image]:
    def read() -> Iterator[Image]:
        with av.open(str(clips.SAMPLE)) as container:
            for number, frame in enumerate(clips.decoded_frames(container)):
                if number in (0, 100, 200):
                    yield np.asarray(frame.to_ndarray(format="bgr24"), dtype=np.uint8)

    return list(read())


def ious(found: Detections, expected: Detections) -> list[float]:
    low = np.maximum(found.boxes[:, :2], expected.boxes[:, :2])
    high = np.minimum(found.boxes[:, 2:], expected.boxes[:, 2:])
    common = np.prod(np.clip(high - low, 0, None), axis=1)
    areas = [np.prod(each.boxes[:, 2:] - each.boxes[:, :2], axis=1) for each in (found, expected)]
    shares: list[float] = (common / (areas[0] + areas[1] - common)).tolist()
    return shares


@pytest.mark.parametrize(
    ("family", "head"), [(family, head) for family, heads in HEADS.items() for head in heads]
)
def test_every_head_finds_the_same(
    tmp_path: Path, frames: list[Image], family: str, head: Head
) -> None:
    model = Model.load(str(head(tmp_path / "other.onnx")))
    assert model.family == family
    config = DetectorConfig(score_threshold=0.4, iou_threshold=0.5)
    other = Detector(model, config)
    default = Detector(Model.load(str(DEFAULT_MODEL)), config)
    for frame in frames:
        expected, found = default.detect(frame), other.detect(frame)
        assert len(expected) >= 5
        assert found.class_ids.tolist() == expected.class_ids.tolist()
        assert np.abs(found.scores - expected.scores).max() <= 1e-3
        assert min(ious(found, expected)) >= 0.99
    assert len(other.detect(np.full((96, 96, 3), 114, np.uint8))) == 0


def test_no_family_is_forgotten() -> None:
    assert {family.name for family in FAMILIES} == HEADS.keys() | OTHERS
