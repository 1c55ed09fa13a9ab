"""The family `yolo-nas`: SuperGradients' two forms of predictions."""

import numpy as np

from pipeline.detection.graph import TensorInfo
from tests.support.graphs import decode, float_array, float_tensors, recognise

IMAGE = TensorInfo("input", "uint8", (1, 3, 640, 640))


def test_flat_predictions_have_the_score_before_the_class() -> None:
    tensors = float_tensors(("graph2_flat_predictions", (None, 7)))
    family, spec = recognise([IMAGE], tensors)
    assert (family, spec.needs_nms, spec.preprocess.resize) == ("yolo-nas", False, "stretch")
    rows = float_array([[0, 10, 20, 30, 40, 0.7, 5], [1, 1, 2, 3, 4, 0.9, 1]])
    assert decode(spec, rows) == [([10, 20, 30, 40], 0.7, 5)]
    assert decode(spec, float_array(np.empty((0, 7)))) == []


def test_batched_predictions_have_a_count() -> None:
    tensors = [
        TensorInfo("graph2_num_predictions", "int64", (1, 1)),
        *float_tensors(("graph2_pred_boxes", (1, 9, 4)), ("graph2_pred_scores", (1, 9))),
        TensorInfo("graph2_pred_classes", "int64", (1, 9)),
    ]
    family, spec = recognise([IMAGE], tensors)
    assert (family, len(spec.outputs)) == ("yolo-nas", 4)
    boxes, scores = np.full((1, 9, 4), 7, np.float32), np.full((1, 9), 0.9, np.float32)
    found = decode(spec, np.array([[1]]), boxes, scores, np.full((1, 9), 3))
    assert found == [([7, 7, 7, 7], 0.9, 3)]
