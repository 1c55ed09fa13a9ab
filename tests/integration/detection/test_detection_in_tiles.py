"""The detector with `detector.tiles`, on the default model."""

import threading
import time

import av
import cv2
import numpy as np
import pytest

from pipeline.config.schema import DetectorConfig
from pipeline.detection.boxes import areas, intersections
from pipeline.detection.detector import Detector
from pipeline.detection.model import Model
from pipeline.detection.tiles import Tile, shift_to_image
from pipeline.errors import BrokenError
from pipeline.frame import Detections, Image
from tests.support import clips
from tests.support.default_model import DEFAULT_MODEL


@pytest.fixture(scope="module")
def model() -> Model:
    return Model.load(str(DEFAULT_MODEL))


@pytest.fixture(scope="module")
def street() -> Image:
    """Return the first frame of the sample."""
    with av.open(str(clips.SAMPLE)) as container:
        frame = next(clips.decoded_frames(container)).to_ndarray(format="bgr24")
    return np.asarray(frame, dtype=np.uint8)


def detect(model: Model, image: Image, **config: object) -> Detections:
    return Detector(model, DetectorConfig.model_validate(config)).detect(image)


def recall(expected: Detections, detections: Detections) -> float:
    """Return the share of expected objects of which a box of their class covers a half."""
    covers_half = (
        intersections(expected.boxes, detections.boxes) > areas(expected.boxes)[:, np.newaxis] / 2
    )
    is_same_class = expected.class_ids[:, np.newaxis] == detections.class_ids
    return float((covers_half & is_same_class).any(axis=1).mean())


def test_small_objects_are_detected_in_tiles(model: Model, street: Image) -> None:
    height, width = street.shape[:2]
    classes = ("person", "car")  # detections of other classes in this frame are wrong
    of_one_copy = detect(model, street, classes=classes)
    four_copies = np.tile(street, (2, 2, 1))
    expected = Detections.concat(
        [
            shift_to_image(of_one_copy, Tile(x, y, x + width, y + height))
            for y in (0, height)
            for x in (0, width)
        ]
    )
    assert recall(expected, detect(model, four_copies, classes=classes)) < 0.5
    assert recall(expected, detect(model, four_copies, classes=classes, tiles=3)) > 0.9


@pytest.mark.parametrize("shift", range(-240, 241, 60))
def test_a_person_who_is_cut_by_tiles_is_detected_once(
    model: Model, street: Image, shift: int
) -> None:
    # The person is as high as a tile, so that most tiles cut the person at each shift.
    enlarged = np.asarray(cv2.resize(street[163:403, 520:760], (768, 768)), dtype=np.uint8)
    image = np.roll(enlarged, shift, axis=1)
    detections = detect(model, image, tiles=2, classes=("person",))
    assert len(detections) == 1
    assert np.allclose(detections.boxes[0], [385 + shift, 250, 510 + shift, 515], atol=60)


def test_one_tile_gives_the_detections_of_the_whole_image(model: Model, street: Image) -> None:
    expected = detect(model, street)
    detections = detect(model, street, tiles=1, tile_overlap=0.5)
    assert len(expected) > 5
    assert detections.boxes.tobytes() == expected.boxes.tobytes()


@pytest.mark.parametrize("shape", [(1, 1, 3), (3, 500, 3), (500, 7, 3)])
def test_boxes_in_tiles_of_few_pixels_are_within_the_image(
    model: Model, shape: tuple[int, int, int]
) -> None:
    detections = detect(model, np.full(shape, 90, np.uint8), tiles=3, score_threshold=0.05)
    assert (detections.boxes >= 0).all()
    assert (detections.boxes <= [shape[1], shape[0]] * 2).all()


def test_stop_ends_a_detection_with_many_tiles_within_a_second(model: Model, street: Image) -> None:
    detector = Detector(model, DetectorConfig(tiles=8))
    # The 65 runs of the model would take more than a second.
    timer = threading.Timer(0.1, detector.stop)
    timer.start()
    start = time.perf_counter()
    with pytest.raises(BrokenError, match="terminate"):
        detector.detect(street)
    timer.join()
    assert time.perf_counter() - start < 1
