"""The detector with the default model."""

from concurrent.futures import ThreadPoolExecutor

import av
import numpy as np
import pytest

from pipeline.config.schema import DetectorConfig
from pipeline.detection.detector import Detector, drop_empty_boxes
from pipeline.detection.model import Model
from pipeline.errors import ConfigError
from pipeline.frame import Detections, Image
from tests.support import clips
from tests.support.default_model import DEFAULT_MODEL


@pytest.fixture(scope="module")
def model() -> Model:
    return Model.load(str(DEFAULT_MODEL))


@pytest.fixture(scope="module")
def frame() -> Image:
    """Return the first frame of the sample."""
    with av.open(str(clips.SAMPLE)) as container:
        decoded = next(clips.decoded_frames(container)).to_ndarray(format="bgr24")
    return np.asarray(decoded, dtype=np.uint8)


def test_threads_that_share_a_detector_get_the_results_of_one_thread(
    model: Model, frame: Image
) -> None:
    detector = Detector(model, DetectorConfig(score_threshold=0.1))
    images = [np.ascontiguousarray(np.roll(frame, 40 * number, axis=1)) for number in range(8)]
    of_one_thread = [detector.detect(image) for image in images]
    with ThreadPoolExecutor(4) as pool:
        of_four_threads = list(pool.map(detector.detect, images * 2))
    for expected, detections in zip(of_one_thread * 2, of_four_threads, strict=True):
        assert len(expected) > 5
        assert np.array_equal(detections.boxes, expected.boxes)
        assert np.array_equal(detections.scores, expected.scores)


def test_only_objects_of_the_configured_classes_are_returned(model: Model, frame: Image) -> None:
    everything = Detector(model, DetectorConfig()).detect(frame)
    cars = Detector(model, DetectorConfig(classes=("car",))).detect(frame)
    assert {0, 2} < set(everything.class_ids.tolist())
    assert cars.boxes.tolist() == everything.boxes[everything.class_ids == 2].tolist()


def test_a_class_that_the_model_does_not_have_is_refused_with_a_suggestion(model: Model) -> None:
    with pytest.raises(ConfigError, match=r"'detector\.classes' names 'persn'.*mean 'person'"):
        Detector(model, DetectorConfig(classes=("car", "persn")))
    with pytest.raises(ConfigError, match="its classes are person, bicycle"):
        Detector(model, DetectorConfig(classes=("zzzzzzz",)))


@pytest.mark.parametrize("shape", [(1, 1, 3), (4000, 7, 3), (50, 900, 3)])
def test_boxes_are_within_an_image_of_any_shape(model: Model, shape: tuple[int, int, int]) -> None:
    detector = Detector(model, DetectorConfig(score_threshold=0.01))
    detections = detector.detect(np.full(shape, 90, dtype=np.uint8))
    limits = [shape[1], shape[0]] * 2
    assert (detections.boxes >= 0).all()
    assert (detections.boxes <= limits).all()
    assert (np.diff(detections.scores) <= 0).all()


def test_boxes_without_width_or_height_are_left_out() -> None:
    boxes = np.array([[0, 0, 5, 5], [3, 3, 3, 9], [1, 1, 1.005, 4]], dtype=np.float32)
    detections = Detections(boxes, np.ones(3, dtype=np.float32), np.zeros(3, dtype=np.int64))
    assert drop_empty_boxes(detections).boxes.tolist() == [[0, 0, 5, 5]]


def test_a_stopped_detector_fails_but_its_model_can_be_used_by_another(model: Model) -> None:
    image = np.zeros((96, 96, 3), dtype=np.uint8)
    stopped = Detector(model, DetectorConfig())
    stopped.stop()
    with pytest.raises(Exception, match="terminate"):
        stopped.detect(image)
    assert len(Detector(model, DetectorConfig()).detect(image)) == 0
