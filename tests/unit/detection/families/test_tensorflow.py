"""TensorFlow's detectors after suppression: y first, as shares of the picture."""

from dataclasses import replace

import pytest

from pipeline.detection.graph import Shape, TensorInfo
from tests.support.graphs import BYTES, array, decoded, floats, known

NAMES = ("detection_boxes", "detection_classes", "detection_scores", "num_detections")
OUTPUTS = floats(*((name, None) for name in NAMES))
# As tf2onnx names a graph that is cut off behind its preprocessing.
CUT_OFF = TensorInfo("Preprocessor/sub:0", "float32", (1, 300, 300, 3))


def test_y_is_first() -> None:
    family, spec = known([BYTES], OUTPUTS)
    boxes = array([[[0.1, 0.2, 0.3, 0.4], [0, 0, 1, 1]]])
    given = (boxes, array([[18, 1]]), array([[0.9, 0.9]]), array([1]))
    assert family == "tensorflow"
    assert decoded(spec, *given, size=(1000, 500)) == [([200, 50, 400, 150], 0.9, 18)]
    assert not spec.needs_nms


@pytest.mark.parametrize(
    ("weights", "classes"),
    [
        # SSD of 3 and of 6 anchors, Faster R-CNN, CenterNet.
        ({"BoxPredictor_0/Class/biases": (273,), "BoxPredictor_0/Box/biases": (12,)}, 90),
        ({"class/kernel": (3, 3, 256, 546), "box/kernel": (3, 3, 256, 24)}, 90),
        ({"cls/kernel": (2048, 91), "box/kernel": (2048, 360)}, 90),
        ({"center/bias": (90,), "size/bias": (2,)}, 90),
        # Other layers may be as wide: a width alone shows nothing.
        ({"conv/kernel": (3, 3, 64, 728)}, None),
        ({"BoxPredictor_0/Class/biases": (12,), "BoxPredictor_0/Box/biases": (12,)}, None),
    ],
)
def test_coco_is_known_by_its_heads(weights: dict[str, Shape], classes: int | None) -> None:
    spec = known([BYTES], OUTPUTS, weights=weights)[1]
    assert (spec.class_count, spec.first_class_id) == (classes, 1)
    labelled = known([BYTES], OUTPUTS, weights=weights, label_count=7)[1]
    assert labelled.class_count is None


def test_an_output_tells_the_classes() -> None:
    scores = floats(("raw_detection_scores", (1, 1917, 4)))
    assert known([BYTES], [*OUTPUTS, *scores])[1].class_count == 3


def test_the_graph_prepares_the_picture() -> None:
    wanted = known([BYTES], OUTPUTS)[1].preprocess
    assert (wanted.resize, wanted.scale, wanted.mean) == ("none", 1, (0, 0, 0))
    fixed = known([replace(BYTES, shape=(1, 512, 640, 3))], OUTPUTS)[1].preprocess
    assert (fixed.resize, fixed.width, fixed.height) == ("stretch", 640, 512)


def test_what_is_cut_off_takes_pixels_from_minus_1_to_1() -> None:
    wanted = known([CUT_OFF], OUTPUTS)[1].preprocess
    assert (wanted.mean, wanted.std, wanted.width) == ((127.5,) * 3, (127.5,) * 3, 300)
