"""Models that suppress overlaps themselves: a row an object."""

import numpy as np

from tests.unit.detection.graphs import PICTURE, array, decoded, floats, known


def test_rows() -> None:
    rows = np.zeros((1, 300, 6), dtype=np.float32)
    rows[0, :2] = (1, 2, 3, 4, 0.9, 7), (1, 2, 3, 4, 0.3, 7)
    _, reading = known([PICTURE], floats(("output0", rows.shape)))
    assert decoded(reading, rows) == [([1, 2, 3, 4], 0.9, 7)]
    assert len(decoded(reading, rows, score=0)) == 2  # the rest is padding
    assert not reading.suppress


def test_rows_of_a_batch() -> None:
    _, reading = known([PICTURE], floats(("output", (None, 7))))
    rows = array([[0, 1, 2, 3, 4, 7, 0.9], [1, 1, 2, 3, 4, 7, 0.9]])
    assert decoded(reading, rows) == [([1, 2, 3, 4], 0.9, 7)]


def test_masks_follow() -> None:
    ports = floats(("output0", (1, 300, 38)), ("output1", (1, 32, 160, 160)))
    _, reading = known([PICTURE], ports, metadata={"task": "segment"})
    rows = np.full((1, 1, 38), 5, dtype=np.float32)
    rows[0, 0, :6] = (1, 2, 3, 4, 0.5, 2)
    assert decoded(reading, rows) == [([1, 2, 3, 4], 0.5, 2)]
