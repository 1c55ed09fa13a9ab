"""The family `efficient-nms`: a count, boxes, scores and class ids."""

import numpy as np
import pytest

from tests.support.graphs import IMAGE_640, decode, float_array, float_tensors, recognise


@pytest.mark.parametrize(
    "names",
    [
        ("num_dets", "det_boxes", "det_scores", "det_classes"),
        ("num_detections", "nmsed_boxes", "nmsed_scores", "nmsed_classes"),
    ],
)
def test_rows_after_the_count_are_ignored(names: tuple[str, ...]) -> None:
    shapes = (1, 1), (1, 3, 4), (1, 3), (1, 3)
    tensors = float_tensors(*zip(names, shapes, strict=True))
    family, spec = recognise([IMAGE_640], tensors[::-1])
    assert (family, spec.outputs) == ("efficient-nms", names)
    boxes, scores = float_array([[[1, 2, 3, 4]] * 3]), float_array([[0.5, 0.3, 0.9]])
    found = decode(spec, np.array([[2]]), boxes, scores, np.array([[3, 5, 7]]))
    assert found == [([1, 2, 3, 4], 0.5, 3)]
    assert not spec.needs_nms
