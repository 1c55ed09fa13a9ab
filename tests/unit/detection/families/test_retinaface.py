"""The family `retinaface`: offsets from priors, with scores and landmarks."""

import numpy as np
import pytest

from pipeline.detection.graph import Graph
from pipeline.detection.registry import recognise_family
from tests.support.graphs import IMAGE_640, decode, float_tensors, recognise


@pytest.mark.parametrize("priors", [16800, 23500])
def test_boxes_are_offsets_from_priors(priors: int) -> None:
    shapes = {"output0": 4, "586": 2, "585": 10}
    tensors = float_tensors(*((name, (1, priors, c)) for name, c in shapes.items()))
    family, spec = recognise([IMAGE_640], tensors)
    assert (family, spec.outputs) == ("retinaface", ("output0", "586"))
    assert (spec.labels, spec.unread) == (("face",), ("keypoints",))
    assert (spec.preprocess.colour, spec.preprocess.mean) == ("bgr", (104, 117, 123))
    boxes, scores = np.zeros((1, priors, 4), np.float32), np.zeros((1, priors, 2), np.float32)
    scores[..., 0] = 1
    scores[0, 0] = (0.1, 0.9)
    boxes[0, 0] = (1, 0, 5 * np.log(2), 0)
    # The first prior lies around (4, 4): 16 x 16 pixels, of the small models 10 x 10.
    side = 16 if priors == 16800 else 10
    centre = 4 + 0.1 * side
    expected = [centre - side, 4 - side / 2, centre + side, 4 + side / 2]
    ((box, score, class_id),) = decode(spec, boxes, scores)
    assert box == pytest.approx(expected, abs=1e-3)
    assert (score, class_id) == (0.9, 0)


def test_other_numbers_of_rows_are_not_recognised() -> None:
    tensors = float_tensors(*((str(c), (1, 16801, c)) for c in (4, 2, 10)))
    assert recognise_family(Graph((IMAGE_640,), tensors)) is None
