"""Models that suppress overlaps themselves: a row an object."""

import numpy as np
import pytest

from pipeline.detection.graph import Graph, TensorInfo
from pipeline.detection.registry import recognise_family
from tests.support.graphs import PICTURE, array, decoded, floats, known


def test_rows() -> None:
    rows = np.zeros((1, 300, 6), dtype=np.float32)
    rows[0, :2] = (1, 2, 3, 4, 0.9, 7), (1, 2, 3, 4, 0.3, 7)
    _, spec = known([PICTURE], floats(("output0", rows.shape)))
    assert decoded(spec, rows) == [([1, 2, 3, 4], 0.9, 7)]
    assert len(decoded(spec, rows, score=0)) == 2  # the rest is padding
    assert not spec.needs_nms


def test_rows_of_a_batch() -> None:
    _, spec = known([PICTURE], floats(("output", (None, 7))))
    rows = array([[0, 1, 2, 3, 4, 7, 0.9], [1, 1, 2, 3, 4, 7, 0.9]])
    assert decoded(spec, rows) == [([1, 2, 3, 4], 0.9, 7)]


@pytest.mark.parametrize(
    ("rows", "size", "metadata", "family"),
    [
        (300, 640, {}, "end-to-end"),
        (2000, 640, {"stride": "32", "args": "{'nms': True}"}, "end-to-end"),
        (8400, 640, {"stride": "32", "end2end": "True"}, "end-to-end"),
        # Anchors and cells of one class.
        (567, 96, {}, "yolov5"),
        (525, 160, {}, "yolox"),
        (2000, 640, {}, None),
    ],
)
def test_rows_of_objects_or_of_anchors(
    rows: int, size: int, metadata: dict[str, str], family: str | None
) -> None:
    picture = TensorInfo("images", "float32", (1, 3, size, size))
    outputs = floats(("output0", (1, rows, 6)))
    found = recognise_family(Graph((picture,), outputs, metadata))
    assert (found[0].name if found else None) == family


def test_masks_follow() -> None:
    ports = floats(("output0", (1, 300, 38)), ("output1", (1, 32, 160, 160)))
    _, spec = known([PICTURE], ports, metadata={"task": "segment"})
    rows = np.full((1, 1, 38), 5, dtype=np.float32)
    rows[0, 0, :6] = (1, 2, 3, 4, 0.5, 2)
    assert decoded(spec, rows) == [([1, 2, 3, 4], 0.5, 2)]
