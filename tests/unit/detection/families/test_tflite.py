"""TFLite's own post-processing: four outputs, in an order that changed with its versions."""

import numpy as np
import pytest

from pipeline.detection.families import tflite
from pipeline.detection.graph import Graph, TensorInfo
from tests.support.graphs import BYTES, array, decoded, floats, known

FLOATS = TensorInfo("normalized_input_image_tensor", "float32", (1, 320, 320, 3))
BOXES = array([[[0.1, 0.2, 0.3, 0.4], [0.5, 0.5, 1, 1], [0, 0, 1, 1]]])
IDS, SCORES, COUNT = array([[17, 0, 5]]), array([[0.9, 0.6, 0.9]]), array([2])


def outputs(prefix: str, order: str) -> tuple[TensorInfo, ...]:
    """Return the four ports; `order` is of boxes, others (classes or scores) and the count."""
    shapes = {"b": (1, 10, 4), "o": (1, 10), "n": (1,)}
    return floats(*((f"{prefix}:{place}", shapes[letter]) for place, letter in enumerate(order)))


@pytest.mark.parametrize(
    ("prefix", "order"),
    [
        ("TFLite_Detection_PostProcess", "boon"),
        ("StatefulPartitionedCall", "bono"),
        ("StatefulPartitionedCall", "onbo"),
    ],
)
def test_in_any_order(prefix: str, order: str) -> None:
    family, spec = known([FLOATS], outputs(prefix, order))
    assert family == "tflite"
    for others in ((IDS, SCORES), (SCORES, IDS)):
        assert decoded(spec, BOXES, *others, COUNT, size=(1000, 500)) == [
            ([200, 50, 400, 150], 0.9, 17),
            ([500, 250, 1000, 500], 0.6, 0),
        ]


def test_certain_of_the_first_two_classes() -> None:
    _, spec = known([FLOATS], outputs("TFLite_Detection_PostProcess", "boon"))
    scores = array([[1, 1, 0]])
    for ids in (array([[2, 0, 0]]), array([[0, 0, 0]])):
        for others in ((ids, scores), (scores, ids)):
            found = decoded(spec, BOXES, *others, COUNT, size=(1000, 500))
            assert [score for _, score, _ in found] == [1, 1]
            assert [class_id for _, _, class_id in found] == ids[0, :2].tolist()


def test_nothing_found() -> None:
    _, spec = known([FLOATS], outputs("TFLite_Detection_PostProcess", "boon"))
    assert decoded(spec, BOXES, IDS, SCORES, np.zeros(1, np.float32)) == []


def test_coco_is_known_by_its_heads() -> None:
    heads = {"BoxPredictor_0/Class/biases": (273,), "BoxPredictor_0/Box/biases": (12,)}
    ports = outputs("TFLite_Detection_PostProcess", "boon")
    assert known([FLOATS], ports, weights=heads)[1].class_count == 90
    assert known([FLOATS], ports)[1].class_count is None


def test_pixels_from_minus_1_to_1() -> None:
    wanted = known([FLOATS], outputs("TFLite_Detection_PostProcess", "boon"))[1].preprocess
    assert (wanted.resize, wanted.width, wanted.height) == ("stretch", 320, 320)
    assert (wanted.scale, wanted.mean, wanted.std) == (1, (127.5,) * 3, (127.5,) * 3)


@pytest.mark.parametrize(
    "ports",
    [
        outputs("output", "boon"),
        outputs("TFLite_Detection_PostProcess", "boo"),
        outputs("TFLite_Detection_PostProcess", "bbon"),
    ],
)
def test_others_are_none(ports: tuple[TensorInfo, ...]) -> None:
    assert tflite.recognise(Graph((BYTES,), ports)) is None
