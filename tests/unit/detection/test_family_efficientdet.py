"""EfficientDet: known by its heads, for its rows look like YOLOv10's."""

import numpy as np

from pipeline.detection.families import efficientdet
from pipeline.detection.graph import Graph
from tests.unit.detection.graphs import PICTURE, decoded, floats, known

HEADS = {
    "model.class_net.predict.conv_pw.bias": (27,),
    "model.box_net.predict.conv_pw.bias": (36,),
}
OUTPUTS = floats(("output", (1, 100, 6)))


def test_classes_are_counted_from_1() -> None:
    family, reading = known([PICTURE], OUTPUTS, weights=HEADS)
    assert family == "efficientdet"
    assert (reading.class_count, reading.first_class_id) == (3, 1)
    rows = np.zeros((1, 100, 6), dtype=np.float32)
    rows[0, :2] = (1, 2, 3, 4, 0.9, 3), (1, 2, 3, 4, 0.3, 1)
    assert decoded(reading, rows) == [([1, 2, 3, 4], 0.9, 3)]
    assert not reading.suppress


def test_the_picture_is_top_left_and_around_it_is_the_mean() -> None:
    reading = known([PICTURE], OUTPUTS, weights=HEADS)[1]
    wanted = reading.preprocess
    assert (wanted.resize, wanted.filter, wanted.padding) == ("top-left", "antialias", None)
    assert reading.card_must_say == ("mean", "std")


def test_not_without_its_heads() -> None:
    assert efficientdet.read(Graph((PICTURE,), OUTPUTS)) is None
    assert known([PICTURE], OUTPUTS)[0] == "end-to-end"
