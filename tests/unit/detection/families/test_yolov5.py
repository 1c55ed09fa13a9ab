"""YOLOv5: a box score that all class scores of an anchor share."""

import numpy as np
import pytest

from pipeline.detection.families import yolov5
from pipeline.detection.graph import Graph, Shape, TensorInfo
from tests.support.graphs import PICTURE, decoded, floats, known


def test_scores_are_products() -> None:
    rows = np.zeros((1, 25200, 7), dtype=np.float32)
    rows[0, 5] = (50, 40, 20, 10, 0.9, 0.1, 0.5)
    rows[0, 6] = (50, 40, 20, 10, 0.5, 0.1, 0.7)
    rows[0, 7] = (50, 40, 20, 10, 0.3, 1.0, 1.0)
    _, spec = known([PICTURE], floats(("output0", rows.shape)))
    assert decoded(spec, rows) == [([40, 35, 60, 45], 0.45, 1)]
    assert (spec.needs_nms, spec.preprocess.resize) == (True, "letterbox")


def test_a_free_size_is_filled() -> None:
    free = [TensorInfo("images", "float32", (None, 3, None, None))]
    rows = floats(("output0", (None, 25200, 85)))
    wanted = known(free, rows, metadata={"stride": "32", "names": "..."})[1].preprocess
    assert (wanted.width, wanted.step, wanted.box_rescale) == (640, None, "ratio")


def test_masks_are_no_classes() -> None:
    ports = floats(("output0", (1, 25200, 40)), ("output1", (1, 32, 160, 160)))
    family, spec = known([PICTURE], ports)
    assert (family, spec.class_count) == ("yolov5", 3)
    rows = np.zeros((1, 25200, 40), dtype=np.float32)
    rows[0, 0, :8] = (50, 40, 20, 10, 1, 0.1, 0.2, 0.6)
    rows[0, 0, 8:] = 9
    assert decoded(spec, rows) == [([40, 35, 60, 45], 0.6, 2)]


@pytest.mark.parametrize("shape", [(1, 25200, 5), (1, 85, 25200), (1, None, 85)])
def test_other_shapes_are_none(shape: Shape) -> None:
    assert yolov5.recognise(Graph((PICTURE,), (TensorInfo("output", "float32", shape),))) is None


def test_other_companions_are_none() -> None:
    ports = floats(("output0", (1, 25200, 85)), ("output1", (1, 25200)))
    assert yolov5.recognise(Graph((PICTURE,), ports)) is None
