"""The family `tflite`: four outputs, whose order depends on the converter."""

import numpy as np
import pytest

from pipeline.detection.families import tflite
from pipeline.detection.graph import Graph, TensorInfo
from tests.support.graphs import IMAGE_OF_BYTES, decode, float_array, float_tensors, recognise

IMAGE = TensorInfo("normalized_input_image_tensor", "float32", (1, 320, 320, 3))
BOXES = float_array([[[0.1, 0.2, 0.3, 0.4], [0.5, 0.5, 1, 1], [0, 0, 1, 1]]])
IDS, SCORES, COUNT = (
    float_array([[17, 0, 5]]),
    float_array([[0.9, 0.6, 0.9]]),
    float_array([2]),
)


def outputs(prefix: str, order: str) -> tuple[TensorInfo, ...]:
    """Return the four outputs.

    Args:
        prefix: of their names.
        order: a letter for each: b for boxes, o for classes or scores, n for the count.
    """
    shapes = {"b": (1, 10, 4), "o": (1, 10), "n": (1,)}
    return float_tensors(
        *((f"{prefix}:{index}", shapes[letter]) for index, letter in enumerate(order))
    )


OUTPUTS = outputs("TFLite_Detection_PostProcess", "boon")


@pytest.mark.parametrize(
    ("prefix", "order"),
    [
        ("TFLite_Detection_PostProcess", "boon"),
        ("StatefulPartitionedCall", "bono"),
        ("StatefulPartitionedCall", "onbo"),
    ],
)
def test_outputs_can_have_any_order(prefix: str, order: str) -> None:
    family, spec = recognise([IMAGE], outputs(prefix, order))
    assert family == "tflite"
    for ids_and_scores in ((IDS, SCORES), (SCORES, IDS)):
        assert decode(spec, BOXES, *ids_and_scores, COUNT, size=(1000, 500)) == [
            ([200, 50, 400, 150], 0.9, 17),
            ([500, 250, 1000, 500], 0.6, 0),
        ]


@pytest.mark.parametrize("ids", [float_array([[2, 0, 0]]), float_array([[0, 0, 0]])])
def test_scores_of_exactly_1_are_told_from_class_ids(ids: np.ndarray) -> None:
    _, spec = recognise([IMAGE], OUTPUTS)
    scores = float_array([[1, 1, 0]])
    for ids_and_scores in ((ids, scores), (scores, ids)):
        found = decode(spec, BOXES, *ids_and_scores, COUNT, size=(1000, 500))
        assert [score for _, score, _ in found] == [1, 1]
        assert [class_id for _, _, class_id in found] == ids[0, :2].tolist()


def test_a_count_of_0_means_no_objects() -> None:
    _, spec = recognise([IMAGE], OUTPUTS)
    assert decode(spec, BOXES, IDS, SCORES, np.zeros(1, np.float32)) == []


def test_a_model_without_labels_is_cocos_if_both_heads_are_as_wide() -> None:
    heads = {"BoxPredictor_0/Class/biases": (273,), "BoxPredictor_0/Box/biases": (12,)}
    assert recognise([IMAGE], OUTPUTS, weights=heads)[1].class_count == 90
    assert recognise([IMAGE], OUTPUTS)[1].class_count is None


def test_pixels_are_from_minus_1_to_1() -> None:
    preprocess = recognise([IMAGE], OUTPUTS)[1].preprocess
    assert (preprocess.resize, preprocess.width, preprocess.height) == ("stretch", 320, 320)
    assert preprocess.scale == 1
    assert (preprocess.mean, preprocess.std) == ((127.5,) * 3, (127.5,) * 3)


@pytest.mark.parametrize(
    "tensors",
    [
        outputs("output", "boon"),
        outputs("TFLite_Detection_PostProcess", "boo"),
        outputs("TFLite_Detection_PostProcess", "bbon"),
    ],
)
def test_other_names_and_shapes_are_not_recognised(tensors: tuple[TensorInfo, ...]) -> None:
    assert tflite.recognise(Graph((IMAGE_OF_BYTES,), tensors)) is None
