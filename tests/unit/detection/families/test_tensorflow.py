"""The family `tensorflow`: relative boxes with y first, class ids from 1."""

from dataclasses import replace

import pytest

from pipeline.detection.graph import Shape, TensorInfo
from tests.support.graphs import IMAGE_OF_BYTES, decode, float_array, float_tensors, recognise

NAMES = ("detection_boxes", "detection_classes", "detection_scores", "num_detections")
OUTPUTS = float_tensors(*((name, None) for name in NAMES))
# The input of a graph that was cut after its own preprocessing, as tf2onnx names it.
CUT_GRAPH_INPUT = TensorInfo("Preprocessor/sub:0", "float32", (1, 300, 300, 3))


def test_boxes_have_y_first_and_rows_after_the_count_are_ignored() -> None:
    family, spec = recognise([IMAGE_OF_BYTES], OUTPUTS)
    boxes = float_array([[[0.1, 0.2, 0.3, 0.4], [0, 0, 1, 1]]])
    class_ids, scores = float_array([[18, 1]]), float_array([[0.9, 0.9]])
    found = decode(spec, boxes, class_ids, scores, float_array([1]), size=(1000, 500))
    assert family == "tensorflow"
    assert found == [([200, 50, 400, 150], 0.9, 18)]
    assert not spec.needs_nms


@pytest.mark.parametrize(
    ("weights", "class_count"),
    [
        # SSD with 3 and with 6 anchors, Faster R-CNN, CenterNet.
        ({"BoxPredictor_0/Class/biases": (273,), "BoxPredictor_0/Box/biases": (12,)}, 90),
        ({"class/kernel": (3, 3, 256, 546), "box/kernel": (3, 3, 256, 24)}, 90),
        ({"cls/kernel": (2048, 91), "box/kernel": (2048, 360)}, 90),
        ({"center/bias": (90,), "size/bias": (2,)}, 90),
        # One width alone is not enough, because other layers can be as wide.
        ({"conv/kernel": (3, 3, 64, 728)}, None),
        ({"BoxPredictor_0/Class/biases": (12,), "BoxPredictor_0/Box/biases": (12,)}, None),
    ],
)
def test_a_model_without_labels_is_cocos_if_both_heads_are_as_wide(
    weights: dict[str, Shape], class_count: int | None
) -> None:
    spec = recognise([IMAGE_OF_BYTES], OUTPUTS, weights=weights)[1]
    assert (spec.class_count, spec.first_class_id) == (class_count, 1)
    labelled = recognise([IMAGE_OF_BYTES], OUTPUTS, weights=weights, label_count=7)[1]
    assert labelled.class_count is None


def test_an_output_with_all_scores_shows_the_number_of_classes() -> None:
    scores = float_tensors(("raw_detection_scores", (1, 1917, 4)))
    assert recognise([IMAGE_OF_BYTES], [*OUTPUTS, *scores])[1].class_count == 3


def test_the_image_is_not_normalised_and_stretched_only_to_a_fixed_size() -> None:
    preprocess = recognise([IMAGE_OF_BYTES], OUTPUTS)[1].preprocess
    assert (preprocess.resize, preprocess.scale, preprocess.mean) == ("none", 1, (0, 0, 0))
    fixed = replace(IMAGE_OF_BYTES, shape=(1, 512, 640, 3))
    preprocess = recognise([fixed], OUTPUTS)[1].preprocess
    assert (preprocess.resize, preprocess.width, preprocess.height) == ("stretch", 640, 512)


def test_a_graph_without_its_preprocessing_gets_pixels_from_minus_1_to_1() -> None:
    preprocess = recognise([CUT_GRAPH_INPUT], OUTPUTS)[1].preprocess
    assert (preprocess.mean, preprocess.std) == ((127.5,) * 3, (127.5,) * 3)
    assert preprocess.width == 300
