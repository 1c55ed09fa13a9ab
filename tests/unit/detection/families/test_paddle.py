"""PaddleDetection after suppression: the class first, and a count beside."""

import numpy as np
import pytest

from pipeline.detection.families import paddle
from pipeline.detection.graph import Graph, TensorInfo
from tests.support.graphs import array, decoded, floats, known

PICTURE = TensorInfo("image", "float32", (1, 3, 640, 640))
SCALE, SHAPE = (
    TensorInfo("scale_factor", "float32", (1, 2)),
    TensorInfo("im_shape", "float32", (1, 2)),
)
OUTPUTS = (*floats(("multiclass_nms3_0.tmp_0", (None, 6))), TensorInfo("tmp_2", "int32", (1,)))


@pytest.mark.parametrize("inputs", [[PICTURE, SCALE], [SHAPE, PICTURE, SCALE]])
def test_the_class_is_first(inputs: list[TensorInfo]) -> None:
    family, spec = known(inputs, OUTPUTS)
    assert (family, spec.needs_nms) == ("paddle", False)
    rows = array([[3, 0.9, 1, 2, 3, 4], [7, 0.3, 1, 2, 3, 4], [5, 0.8, 5, 6, 7, 8]])
    assert decoded(spec, rows, np.array([2])) == [([1, 2, 3, 4], 0.9, 3)]
    nothing = array([[-1, 0.9, 0, 0, 0, 0]])
    assert decoded(spec, nothing, np.array([1])) == []


def test_what_its_models_differ_in_must_be_told() -> None:
    spec = known([PICTURE, SCALE], OUTPUTS)[1]
    assert spec.required_card_keys == ("mean", "std")
    wanted = spec.preprocess
    assert (wanted.resize, wanted.filter, wanted.colour) == ("stretch", "cubic", "rgb")


def test_others_are_none() -> None:
    assert paddle.recognise(Graph((PICTURE,), OUTPUTS)) is None
    assert paddle.recognise(Graph((PICTURE, SCALE), OUTPUTS[:1])) is None
