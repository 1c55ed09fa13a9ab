"""NanoDet and PicoDet: boxes as distributions, from synthetic tensors whose answer is known."""

import numpy as np
from numpy.typing import NDArray

from pipeline.detection.families.family import Reading
from pipeline.detection.families.focal import boxes_around
from tests.unit.detection.graphs import FREE, SMALL, array, decoded, floats, known

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


def nanodet(classes: int) -> tuple[NDArray[np.float32], Reading]:
    """Return NanoDet-Plus rows in which nothing is found, and their reading."""
    rows = np.zeros((1, 3598, classes + 32), dtype=np.float32)
    return rows, known([SMALL], floats(("output", rows.shape)), label_count=classes)[1]


def test_nothing_found() -> None:
    rows, reading = nanodet(3)
    assert decoded(reading, rows, size=SIZE) == []
    assert boxes_around(array(np.zeros((0, 2))), array(np.zeros((0, 1))), rows[0, :0]).shape == (
        0,
        4,
    )


def test_a_cell_may_be_of_two_classes() -> None:
    rows, reading = nanodet(3)
    rows[0, 53, :3] = (0.6, 0.1, 0.7)
    rows[0, 53, 3:] = peaks(1, 0, 2, 3)
    box = [0, 8, 24, 32]
    assert decoded(reading, rows, size=SIZE) == [(box, 0.7, 2), (box, 0.6, 0)]


def test_nanodet_clips_boxes_to_its_input_before_suppression() -> None:
    rows, reading = nanodet(3)
    rows[0, 0, 0] = 0.7
    rows[0, 0, 3:] = peaks(7, 7, 1, 1)
    assert decoded(reading, rows, size=SIZE) == [([0, 0, 8, 8], 0.7, 0)]


def test_labels_tell_the_bins() -> None:
    output = floats(("output", (1, 3598, 3 + 44)))
    weights = {"head.gfl_cls.0.bias": (47,)}
    _, reading = known([SMALL], output, weights=weights, label_count=3)
    assert reading.class_count == 3
    assert "4 x 11 for the box" in reading.why


def test_nanodet_warps_pictures() -> None:
    wanted = nanodet(3)[1].preprocess
    assert (wanted.resize, wanted.filter, wanted.colour) == ("stretch", "warp", "bgr")
    assert (wanted.width, wanted.height) == SIZE
    free = known([FREE], floats(("output", (1, 8500, 112))))[1].preprocess
    assert (free.width, free.height) == SIZE


def test_nanodets_first_versions() -> None:
    ports = floats(*((f"{c}_pred_stride_{n}", (1, n, c)) for n in GRIDS[:3] for c in (3, 32)))
    family, reading = known([SMALL], ports)
    assert (family, reading.class_count, reading.preprocess.filter) == ("nanodet", 3, "warp")
    scores = [np.zeros((1, rows, 3), dtype=np.float32) for rows in GRIDS[:3]]
    sides = [np.zeros((1, rows, 32), dtype=np.float32) for rows in GRIDS[:3]]
    scores[1][0, 0, 2] = 0.6
    sides[1][0, 0] = peaks(1, 1, 1, 1)
    assert decoded(reading, *scores, *sides, size=SIZE) == [([0, 0, 24, 24], 0.6, 2)]


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
    assert (reading.preprocess.colour, reading.preprocess.filter) == ("rgb", "cubic")


def test_picodet_of_rapidai_takes_pictures_as_opencv_reads_them() -> None:
    ports = floats(*((f"{c}-{n}", (1, n, c)) for n in GRIDS for c in (2, 32)))
    reading = known([SMALL], ports, metadata={"character": "text\ntitle"})[1]
    assert (reading.preprocess.colour, reading.preprocess.filter) == ("bgr", "linear")
