"""The family `paddle`: rows that begin with the class id, and their number."""

import numpy as np
import pytest

from pipeline.detection.families import paddle
from pipeline.detection.graph import Graph, TensorInfo
from tests.support.graphs import IMAGE_640, decode, float_array, float_tensors, recognise

SCALE, SHAPE = float_tensors(("scale_factor", (1, 2)), ("im_shape", (1, 2)))
OUTPUTS = (
    *float_tensors(("multiclass_nms3_0.tmp_0", (None, 6))),
    TensorInfo("tmp_2", "int32", (1,)),
)


@pytest.mark.parametrize("inputs", [[IMAGE_640, SCALE], [SHAPE, IMAGE_640, SCALE]])
def test_a_row_is_a_class_id_a_score_and_a_box(inputs: list[TensorInfo]) -> None:
    family, spec = recognise(inputs, OUTPUTS)
    assert (family, spec.needs_nms) == ("paddle", False)
    rows = float_array([[3, 0.9, 1, 2, 3, 4], [7, 0.3, 1, 2, 3, 4], [5, 0.8, 5, 6, 7, 8]])
    assert decode(spec, rows, np.array([2])) == [([1, 2, 3, 4], 0.9, 3)]


def test_class_id_minus_1_means_no_objects() -> None:
    _, spec = recognise([IMAGE_640, SCALE], OUTPUTS)
    rows = float_array([[-1, 0.9, 0, 0, 0, 0]])
    assert decode(spec, rows, np.array([1])) == []


def test_the_card_has_to_give_mean_and_std() -> None:
    spec = recognise([IMAGE_640, SCALE], OUTPUTS)[1]
    assert spec.required_card_keys == ("mean", "std")
    preprocess = spec.preprocess
    assert (preprocess.resize, preprocess.filter, preprocess.colour) == ("stretch", "cubic", "rgb")


def test_a_graph_without_scale_factor_or_row_count_is_not_recognised() -> None:
    assert paddle.recognise(Graph((IMAGE_640,), OUTPUTS)) is None
    assert paddle.recognise(Graph((IMAGE_640, SCALE), OUTPUTS[:1])) is None
