"""The family `fastestdet`: one map with objectness, box and class scores."""

import numpy as np
import pytest

from pipeline.detection.graph import Graph, TensorInfo
from pipeline.detection.registry import recognise_family
from tests.support.graphs import decode, float_tensors, recognise

IMAGE = TensorInfo("input.1", "float32", (1, 3, 352, 352))
HEAD = frozenset({"Conv", "Sigmoid", "Softmax"})


def test_boxes_and_scores_are_computed_from_the_map() -> None:
    family, spec = recognise([IMAGE], float_tensors(("758", (1, 85, 22, 22))), operators=HEAD)
    assert (family, spec.class_count) == ("fastestdet", 80)
    preprocess = spec.preprocess
    assert (preprocess.resize, preprocess.filter, preprocess.colour) == ("stretch", "area", "bgr")
    output = np.zeros((1, 85, 22, 22), np.float32)
    output[0, :5, 2, 3] = (0.8, np.arctanh(0.5), 0, 0, np.log(3))
    output[0, 5 + 7, 2, 3] = 0.9
    # Centre ((3 + 0.5) * 16, 2 * 16), size sigmoid(0) * 352 and sigmoid(log 3) * 352.
    ((box, score, class_id),) = decode(spec, output, size=(352, 352))
    assert box == pytest.approx([56 - 88, 32 - 132, 56 + 88, 32 + 132], abs=0.01)
    assert score == pytest.approx(0.8**0.6 * 0.9**0.4, abs=1e-4)
    assert class_id == 7


def test_another_map_is_not_recognised() -> None:
    for shape, operators in (((1, 85, 44, 44), HEAD), ((1, 85, 22, 22), frozenset({"Conv"}))):
        graph = Graph((IMAGE,), float_tensors(("758", shape)), operators=operators)
        assert recognise_family(graph) is None
