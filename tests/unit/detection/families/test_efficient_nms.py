"""TensorRT's four outputs."""

import numpy as np
import pytest

from tests.support.graphs import PICTURE, array, decoded, floats, known


@pytest.mark.parametrize(
    "names",
    [
        ("num_dets", "det_boxes", "det_scores", "det_classes"),
        ("num_detections", "nmsed_boxes", "nmsed_scores", "nmsed_classes"),
    ],
)
def test_as_many_as_there_are(names: tuple[str, ...]) -> None:
    shapes = (1, 1), (1, 3, 4), (1, 3), (1, 3)
    ports = floats(*zip(names, shapes, strict=True))
    family, spec = known([PICTURE], ports[::-1])
    assert (family, spec.outputs) == ("efficient-nms", names)
    boxes, scores = array([[[1, 2, 3, 4]] * 3]), array([[0.5, 0.3, 0.9]])
    found = decoded(spec, np.array([[2]]), boxes, scores, np.array([[3, 5, 7]]))
    assert found == [([1, 2, 3, 4], 0.5, 3)]
    assert not spec.needs_nms
