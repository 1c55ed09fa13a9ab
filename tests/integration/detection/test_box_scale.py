"""Boxes of shares and of pixels: which of the two they are holds for all images of a run."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.config.schema import DetectorConfig
from pipeline.detection.box_scale import BoxScale
from pipeline.detection.counters import DetectorCounters
from pipeline.detection.detector import Detector
from pipeline.detection.model import Model
from pipeline.errors import BrokenError
from pipeline.frame import Detections
from tests.support.onnx_models import write_constant_model

IMAGE = np.zeros((64, 64, 3), np.uint8)
SIZE = (64, 64)
PREPROCESS = {"colour": "rgb", "scale": 1.0}
SHARES, PIXELS = (0.25, 0.5, 0.75, 1), (8, 8, 30, 30)
IN_PIXELS = (16, 32, 48, 64)


def make_model(
    folder: Path,
    *boxes: tuple[float, ...],
    output: str = "x1y1x2y2_score_label",
    score: float = 0.9,
    **card: object,
) -> Model:
    """Return a model that gives these boxes; the last one has the given score, the others 0.9."""
    scores = [0.9] * (len(boxes) - 1) + [score]
    rows = [(*box, each, 0) for box, each in zip(boxes, scores, strict=True)]
    path = write_constant_model(
        folder / "a.onnx", np.array([rows], np.float32), output, preprocess=PREPROCESS, **card
    )
    return Model.load(str(path))


def detections(*boxes: tuple[float, ...]) -> Detections:
    count = len(boxes)
    return Detections(
        np.array(boxes, np.float32).reshape(-1, 4),
        np.full(count, 0.9, np.float32),
        np.zeros(count, np.int64),
    )


def test_a_box_below_the_threshold_does_not_decide_the_unit(tmp_path: Path) -> None:
    model = make_model(tmp_path, SHARES, (-0.4, 0.1, 2.1, 0.9), score=0.01)
    found = Detector(model, DetectorConfig()).detect(IMAGE)
    assert found.boxes.tolist() == [list(IN_PIXELS)]


def test_frames_of_which_some_have_shares_and_some_pixels_are_an_error(tmp_path: Path) -> None:
    scale = BoxScale(make_model(tmp_path, SHARES))
    assert scale.to_pixels(detections(SHARES), SIZE).boxes.tolist() == [list(IN_PIXELS)]
    scale.to_pixels(detections(), SIZE)
    with pytest.raises(BrokenError, match='Write box_unit = "shares" or box_unit = "pixels"'):
        scale.to_pixels(detections(PIXELS), SIZE)


def test_pixels_stay_pixels_also_beside_an_empty_box(tmp_path: Path) -> None:
    scale = BoxScale(make_model(tmp_path, SHARES))
    boxes = detections(PIXELS, (0, 0, 0, 0))
    assert scale.to_pixels(boxes, SIZE).boxes.tolist() == boxes.boxes.tolist()
    scale.to_pixels(boxes, SIZE)
    scale.check()


@pytest.mark.parametrize(("unit", "expected"), [("shares", IN_PIXELS), ("pixels", SHARES)])
def test_the_card_decides_the_unit(tmp_path: Path, unit: str, expected: tuple[float, ...]) -> None:
    scale = BoxScale(make_model(tmp_path, SHARES, box_unit=unit))
    assert scale.to_pixels(detections(SHARES), SIZE).boxes.tolist() == [list(expected)]
    scale.to_pixels(detections((0, 0, 1, 2.5)), SIZE)


def test_the_unit_of_the_card_corrects_a_family_that_is_recognised_by_shape(
    tmp_path: Path,
) -> None:
    model = make_model(tmp_path, *[SHARES] * 3, output="output0", box_unit="shares")
    assert model.family == "end-to-end"
    assert Detector(model, DetectorConfig()).detect(IMAGE).boxes.tolist() == [list(IN_PIXELS)] * 3


def test_boxes_in_the_corner_only_are_an_error_at_the_end_of_the_run(tmp_path: Path) -> None:
    detector = Detector(make_model(tmp_path, SHARES, output="output0"), DetectorConfig())
    detector.detect(IMAGE)
    with pytest.raises(BrokenError, match=r'boxes that are all within .* box_unit = "shares"'):
        detector.check_boxes()


def test_many_boxes_in_the_corner_are_no_error_if_another_part_has_a_larger_one(
    tmp_path: Path,
) -> None:
    detector = Detector(make_model(tmp_path, *[SHARES] * 11, output="output0"), DetectorConfig())
    detector.detect(IMAGE)
    with pytest.raises(BrokenError, match="gives 11 boxes that are all within the first 2 pixels"):
        detector.check_boxes()
    detector.add_counters(DetectorCounters(large_boxes=1))
    detector.check_boxes()


def test_parts_of_which_one_has_shares_and_one_pixels_are_an_error(tmp_path: Path) -> None:
    model = make_model(tmp_path, SHARES)
    one, other = BoxScale(model), BoxScale(model)
    one.to_pixels(detections(SHARES), SIZE)
    other.to_pixels(detections(PIXELS), SIZE)
    one.check()
    other.check()
    one.add_counts(*other.counts)
    with pytest.raises(BrokenError, match='Write box_unit = "shares" or box_unit = "pixels"'):
        one.check()


def test_a_small_box_in_the_corner_beside_others_is_no_error(tmp_path: Path) -> None:
    model = make_model(tmp_path, PIXELS, *[(0, 0, 1.5, 1.5)] * 12, output="output0")
    detector = Detector(model, DetectorConfig())
    assert len(detector.detect(IMAGE)) == 13
    detector.check_boxes()


def test_pixels_that_the_name_calls_shares_are_an_error(tmp_path: Path) -> None:
    model = make_model(tmp_path, (30, 30, 60, 60), output="xyxyn_score_label")
    with pytest.raises(BrokenError, match='Write box_unit = "pixels" on its model card'):
        Detector(model, DetectorConfig()).detect(IMAGE)
