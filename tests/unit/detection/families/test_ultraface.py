"""The family `ultraface`: offsets from UltraFace's priors."""

import numpy as np
import pytest

from pipeline.detection.graph import TensorInfo
from tests.support.graphs import decode, float_tensors, recognise

RFB_320 = TensorInfo("input", "float32", (1, 3, 240, 320))


@pytest.mark.parametrize(
    ("width", "height", "priors"),
    # The sizes of UltraFace's configuration, and the rows of its ONNX files.
    [(128, 96, 708), (320, 240, 4420), (480, 360, 9984), (640, 480, 17640), (1280, 960, 70500)],
)
def test_the_number_of_priors_is_that_of_the_size(width: int, height: int, priors: int) -> None:
    tensors = float_tensors(("scores", (1, priors, 2)), ("boxes", (1, priors, 4)))
    image = TensorInfo("input", "float32", (1, 3, height, width))
    family, spec = recognise([image], tensors, operators=frozenset({"Conv", "Softmax"}))
    assert family == "ultraface"
    assert (spec.class_count, spec.first_class_id, spec.needs_nms) == (1, 1, True)
    assert (spec.preprocess.width, spec.preprocess.mean[0]) == (width, 127)
    assert spec.labels == ("face",)


def test_a_graph_with_the_last_step_gives_boxes() -> None:
    tensors = float_tensors(("scores", (1, 4420, 2)), ("boxes", (1, 4420, 4)))
    family, spec = recognise([RFB_320], tensors, operators=frozenset({"Conv", "Exp"}))
    assert (family, spec.labels) == ("ultraface", ("face",))
    scores, boxes = np.zeros((1, 4420, 2), np.float32), np.zeros((1, 4420, 4), np.float32)
    scores[0, 4], boxes[0, 4] = (0.1, 0.9), (0.25, 0.5, 0.5, 0.75)
    assert decode(spec, boxes, scores, size=(320, 240)) == [([80, 120, 160, 180], 0.9, 1)]


def test_offsets_move_and_scale_their_priors() -> None:
    tensors = float_tensors(("scores", (1, 4420, 2)), ("boxes", (1, 4420, 4)))
    _, spec = recognise([RFB_320], tensors)
    scores = np.zeros((1, 4420, 2), np.float32)
    offsets = np.zeros((1, 4420, 4), np.float32)
    # The second prior of the second cell of the first grid: 16 x 16 pixels around (12, 4).
    scores[0, 4] = (0.1, 0.9)
    # The last prior: 256 x 256 pixels, of which the height is cut to that of the input.
    scores[0, 4419] = (0.2, 0.8)
    offsets[0, 4419] = (2, -1, 5 * np.log(0.5), 0)
    # The last grid has 5 x 4 cells, so that its last centre is (288, 210).
    centre_x, centre_y = 288 + 2 * 0.1 * 256, 210 - 0.1 * 240
    assert decode(spec, offsets, scores, size=(320, 240)) == [
        ([4, -4, 20, 12], 0.9, 1),
        (
            pytest.approx([centre_x - 64, centre_y - 120, centre_x + 64, centre_y + 120], abs=1e-3),
            0.8,
            1,
        ),
    ]
