"""SSD before suppression: shares of the picture, and the background first."""

from tests.support.graphs import SMALL, array, decoded, floats, known


def test_the_background_is_left_out() -> None:
    _, spec = known([SMALL], floats(("boxes", (1, 2, 4)), ("scores", (1, 2, 3))))
    boxes = array([[[0.1, 0.2, 0.3, 0.4], [0, 0, 1, 1]]])
    scores = array([[[0.1, 0.2, 0.7], [0.9, 0.05, 0.05]]])
    assert decoded(spec, boxes, scores, size=(100, 200)) == [([10, 40, 30, 80], 0.7, 2)]
    assert spec.needs_nms


def test_an_anchor_may_be_of_two_classes() -> None:
    _, spec = known([SMALL], floats(("boxes", (1, 1, 4)), ("scores", (1, 1, 3))))
    found = decoded(spec, array([[[0, 0, 1, 1]]]), array([[[0, 0.45, 0.55]]]), size=(100, 200))
    assert found == [([0, 0, 100, 200], 0.55, 2), ([0, 0, 100, 200], 0.45, 1)]
