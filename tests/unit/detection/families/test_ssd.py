"""The family `ssd`: relative boxes, and scores that begin with the background."""

import pytest

from pipeline.detection.graph import Graph
from pipeline.detection.registry import recognise_family
from pipeline.detection.unsupported import UnsupportedModelError
from tests.support.graphs import IMAGE_416, decode, float_array, float_tensors, recognise

DECODED = frozenset({"Conv", "Exp"})


def test_the_background_is_not_returned() -> None:
    tensors = float_tensors(("boxes", (1, 2, 4)), ("scores", (1, 2, 3)))
    family, spec = recognise([IMAGE_416], tensors, operators=DECODED)
    boxes = float_array([[[0.1, 0.2, 0.3, 0.4], [0, 0, 1, 1]]])
    scores = float_array([[[0.1, 0.2, 0.7], [0.9, 0.05, 0.05]]])
    assert family == "ssd"
    assert decode(spec, boxes, scores, size=(100, 200)) == [([10, 40, 30, 80], 0.7, 2)]
    assert spec.needs_nms


def test_an_anchor_can_have_two_classes() -> None:
    tensors = float_tensors(("boxes", (1, 1, 4)), ("scores", (1, 1, 3)))
    _, spec = recognise([IMAGE_416], tensors, operators=DECODED)
    boxes, scores = float_array([[[0, 0, 1, 1]]]), float_array([[[0, 0.45, 0.55]]])
    found = decode(spec, boxes, scores, size=(100, 200))
    assert found == [([0, 0, 100, 200], 0.55, 2), ([0, 0, 100, 200], 0.45, 1)]


def test_outputs_that_no_operator_decodes_are_refused() -> None:
    tensors = float_tensors(("boxes", (1, 3000, 4)), ("scores", (1, 3000, 21)))
    with pytest.raises(UnsupportedModelError, match="Export the model with its post-processing"):
        recognise_family(Graph((IMAGE_416,), tensors, operators=frozenset({"Conv", "Softmax"})))
