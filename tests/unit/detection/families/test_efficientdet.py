"""EfficientDet: known by its heads, for its rows look like YOLOv10's."""

import numpy as np

from pipeline.detection.families import efficientdet
from pipeline.detection.graph import Graph
from tests.support.graphs import PICTURE, decoded, floats, known

HEADS = {
    "model.class_net.predict.conv_pw.bias": (27,),
    "model.box_net.predict.conv_pw.bias": (36,),
}
OUTPUTS = floats(("output", (1, 100, 6)))


def test_classes_are_counted_from_1() -> None:
    family, spec = known([PICTURE], OUTPUTS, weights=HEADS)
    assert family == "efficientdet"
    assert (spec.class_count, spec.first_class_id) == (3, 1)
    rows = np.zeros((1, 100, 6), dtype=np.float32)
    rows[0, :2] = (1, 2, 3, 4, 0.9, 3), (1, 2, 3, 4, 0.3, 1)
    assert decoded(spec, rows) == [([1, 2, 3, 4], 0.9, 3)]
    assert not spec.needs_nms


def test_the_picture_is_top_left_and_around_it_is_the_mean() -> None:
    spec = known([PICTURE], OUTPUTS, weights=HEADS)[1]
    wanted = spec.preprocess
    assert (wanted.resize, wanted.filter, wanted.padding) == ("top-left", "antialias", None)
    assert spec.required_card_keys == ("mean", "std")


def test_not_without_its_heads() -> None:
    assert efficientdet.recognise(Graph((PICTURE,), OUTPUTS)) is None
    assert known([PICTURE], OUTPUTS)[0] == "end-to-end"
