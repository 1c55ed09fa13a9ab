"""The family `mmdeploy`: boxes with scores, and class ids."""

import numpy as np

from pipeline.detection.graph import TensorInfo
from tests.support.graphs import IMAGE_640, decode, float_array, float_tensors, recognise


def test_rows_have_a_box_and_a_score() -> None:
    outputs = [*float_tensors(("dets", (1, 100, 5))), TensorInfo("labels", "int64", (1, 100))]
    family, spec = recognise([IMAGE_640], outputs)
    assert (family, spec.needs_nms, spec.preprocess.scale) == ("mmdeploy", False, 1)
    # The model's configuration decides the preprocessing, and the export does not have it.
    assert spec.required_card_keys == ("resize", "colour", "mean", "std")
    rows = float_array([[[1, 2, 30, 40, 0.9], [1, 2, 3, 4, 0.1], [0, 0, 0, 0, 0.8]]])
    assert decode(spec, rows, np.array([[3, 3, -1]])) == [([1, 2, 30, 40], 0.9, 3)]
    masks = float_tensors(("masks", (1, 100, 28, 28)))
    assert recognise([IMAGE_640], [*outputs, *masks])[1].unread == ("masks",)
