"""NanoDet and PicoDet: boxes as distributions, from synthetic tensors whose answer is known."""

import numpy as np
from numpy.typing import NDArray

from pipeline.detection.families.focal import boxes_around
from tests.unit.detection.graphs import SMALL, array, decoded, floats, known

GRIDS = (2704, 676, 169, 49)
SIZE = (416, 416)


def peaks(*bins: int) -> NDArray[np.float32]:
    """Return logits that say for certain that the sides are so many cells away."""
    logits = np.full((4, 8), -50, dtype=np.float32)
    logits[np.arange(4), bins] = 50
    return logits.ravel()


def test_distances_are_means() -> None:
    even = np.zeros((1, 32), dtype=np.float32)
    box = boxes_around(array([[100, 50]]), array([[8]]), even)
    assert box.tolist() == [[100 - 28, 50 - 28, 100 + 28, 50 + 28]]


def test_nanodet_plus_cells_are_at_their_corner() -> None:
    rows = np.zeros((1, 3598, 112), dtype=np.float32)
    rows[0, 53, 2] = 0.7
    rows[0, 53, 80:] = peaks(1, 0, 2, 3)
    _, reading = known([SMALL], floats(("output", rows.shape)))
    assert decoded(reading, rows, size=SIZE) == [([0, 8, 24, 32], 0.7, 2)]
    assert (reading.class_count, reading.suppress) == (80, True)


def test_nanodet_cells_are_at_their_middle() -> None:
    rows = np.zeros((1, 3549, 35), dtype=np.float32)
    rows[0, 53, 2] = 0.7
    rows[0, 53, 3:] = peaks(1, 0, 2, 3)
    weights = {"head.gfl_cls.0.bias": (35,)}
    family, reading = known([SMALL], floats(("output", rows.shape)), weights=weights)
    assert (family, reading.class_count) == ("nanodet", 3)
    assert decoded(reading, rows, size=SIZE) == [([4, 12, 28, 36], 0.7, 2)]


def test_picodet_cells_are_at_their_middle() -> None:
    scores = [np.zeros((1, rows, 80), dtype=np.float32) for rows in GRIDS]
    sides = [np.zeros((1, rows, 32), dtype=np.float32) for rows in GRIDS]
    scores[1][0, 27, 5] = 0.6
    sides[1][0, 27] = peaks(1, 1, 1, 1)
    ports = floats(*((f"{c}-{n}", (1, n, c)) for n in reversed(GRIDS) for c in (80, 32)))
    _, reading = known([SMALL], ports)
    assert reading.outputs[:2] == ("80-2704", "80-676")
    assert reading.outputs[4:6] == ("32-2704", "32-676")
    assert decoded(reading, *scores, *sides, size=SIZE) == [([8, 8, 40, 40], 0.6, 5)]
