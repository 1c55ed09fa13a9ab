"""The family `efficientdet`: rows as those of YOLOv10, recognised by the names of the heads."""

import numpy as np

from pipeline.detection.families import efficientdet
from pipeline.detection.graph import Graph
from tests.support.graphs import IMAGE_640, decode, float_tensors, recognise

HEADS = {
    "model.class_net.predict.conv_pw.bias": (27,),
    "model.box_net.predict.conv_pw.bias": (36,),
}
OUTPUTS = float_tensors(("output", (1, 100, 6)))


def test_class_ids_begin_with_1() -> None:
    family, spec = recognise([IMAGE_640], OUTPUTS, weights=HEADS)
    assert family == "efficientdet"
    assert (spec.class_count, spec.first_class_id) == (3, 1)
    rows = np.zeros((1, 100, 6), dtype=np.float32)
    rows[0, :2] = (1, 2, 3, 4, 0.9, 3), (1, 2, 3, 4, 0.3, 1)
    assert decode(spec, rows) == [([1, 2, 3, 4], 0.9, 3)]
    assert not spec.needs_nms


def test_the_image_is_in_the_top_left_corner_and_the_padding_is_0() -> None:
    preprocess = recognise([IMAGE_640], OUTPUTS, weights=HEADS)[1].preprocess
    assert (preprocess.resize, preprocess.filter) == ("top-left", "antialias")
    assert preprocess.padding is None


def test_the_card_has_to_give_mean_and_std() -> None:
    spec = recognise([IMAGE_640], OUTPUTS, weights=HEADS)[1]
    assert spec.required_card_keys == ("mean", "std")


def test_a_graph_without_efficientdets_heads_is_not_recognised() -> None:
    assert efficientdet.recognise(Graph((IMAGE_640,), OUTPUTS)) is None
    assert recognise([IMAGE_640], OUTPUTS)[0] == "end-to-end"
