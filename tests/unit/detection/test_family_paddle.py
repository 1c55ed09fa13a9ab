"""PaddleDetection after suppression: the class first, and a count beside."""

import numpy as np
import pytest

from pipeline.detection.families import paddle
from pipeline.detection.graph import Graph, Port
from tests.unit.detection.graphs import array, decoded, floats, known

PICTURE = Port("image", "float32", (1, 3, 640, 640))
SCALE, SHAPE = Port("scale_factor", "float32", (1, 2)), Port("im_shape", "float32", (1, 2))
OUTPUTS = (*floats(("multiclass_nms3_0.tmp_0", (None, 6))), Port("tmp_2", "int32", (1,)))


@pytest.mark.parametrize("inputs", [[PICTURE, SCALE], [SHAPE, PICTURE, SCALE]])
def test_the_class_is_first(inputs: list[Port]) -> None:
    family, reading = known(inputs, OUTPUTS)
    assert (family, reading.suppress) == ("paddle", False)
    rows = array([[3, 0.9, 1, 2, 3, 4], [7, 0.3, 1, 2, 3, 4], [5, 0.8, 5, 6, 7, 8]])
    assert decoded(reading, rows, np.array([2])) == [([1, 2, 3, 4], 0.9, 3)]
    nothing = array([[-1, 0.9, 0, 0, 0, 0]])
    assert decoded(reading, nothing, np.array([1])) == []


def test_what_its_models_differ_in_must_be_told() -> None:
    reading = known([PICTURE, SCALE], OUTPUTS)[1]
    assert reading.card_must_say == ("mean", "std")
    wanted = reading.preprocess
    assert (wanted.resize, wanted.filter, wanted.colour) == ("stretch", "cubic", "rgb")


def test_others_are_none() -> None:
    assert paddle.read(Graph((PICTURE,), OUTPUTS)) is None
    assert paddle.read(Graph((PICTURE, SCALE), OUTPUTS[:1])) is None
