"""The family `end-to-end`: one row for each object."""

import numpy as np
import pytest

from pipeline.detection.graph import Graph, TensorInfo
from pipeline.detection.registry import recognise_family
from tests.support.graphs import IMAGE_640, decode, float_array, float_tensors, recognise


def test_a_row_is_a_box_a_score_and_a_class_id() -> None:
    rows = np.zeros((1, 300, 6), dtype=np.float32)
    rows[0, :2] = (1, 2, 3, 4, 0.9, 7), (1, 2, 3, 4, 0.3, 7)
    _, spec = recognise([IMAGE_640], float_tensors(("output0", rows.shape)))
    assert decode(spec, rows) == [([1, 2, 3, 4], 0.9, 7)]
    assert not spec.needs_nms


def test_padding_is_not_returned_even_for_a_threshold_of_0() -> None:
    rows = np.zeros((1, 300, 6), dtype=np.float32)
    rows[0, :2] = (1, 2, 3, 4, 0.9, 7), (1, 2, 3, 4, 0.3, 7)
    _, spec = recognise([IMAGE_640], float_tensors(("output0", rows.shape)))
    assert len(decode(spec, rows, score_threshold=0)) == 2


def test_rows_with_a_batch_index_are_those_of_the_first_image() -> None:
    _, spec = recognise([IMAGE_640], float_tensors(("output", (None, 7))))
    rows = float_array([[0, 1, 2, 3, 4, 7, 0.9], [1, 1, 2, 3, 4, 7, 0.9]])
    assert decode(spec, rows) == [([1, 2, 3, 4], 0.9, 7)]


@pytest.mark.parametrize(
    ("rows", "size", "metadata", "family"),
    [
        (300, 640, {}, "end-to-end"),
        (2000, 640, {"stride": "32", "args": "{'nms': True}"}, "end-to-end"),
        (8400, 640, {"stride": "32", "end2end": "True"}, "end-to-end"),
        # As many rows as the input has anchors or cells: models with one class.
        (567, 96, {}, "yolov5"),
        (525, 160, {}, "yolox"),
        (2000, 640, {}, None),
    ],
)
def test_the_number_of_rows_shows_whether_they_are_objects_or_anchors(
    rows: int, size: int, metadata: dict[str, str], family: str | None
) -> None:
    image = TensorInfo("images", "float32", (1, 3, size, size))
    outputs = float_tensors(("output0", (1, rows, 6)))
    recognised = recognise_family(Graph((image,), outputs, metadata))
    assert (recognised[0].name if recognised else None) == family


def test_mask_coefficients_after_the_class_id_are_ignored() -> None:
    tensors = float_tensors(("output0", (1, 300, 38)), ("output1", (1, 32, 160, 160)))
    _, spec = recognise([IMAGE_640], tensors, metadata={"task": "segment"})
    rows = np.full((1, 1, 38), 5, dtype=np.float32)
    rows[0, 0, :6] = (1, 2, 3, 4, 0.5, 2)
    assert decode(spec, rows) == [([1, 2, 3, 4], 0.5, 2)]
