"""NanoDet and PicoDet: boxes as distributions, from synthetic tensors whose answer is known."""

import numpy as np
from numpy.typing import NDArray

from pipeline.detection.families.common.base import DecodeSpec
from pipeline.detection.families.common.distribution_focal import boxes_from_distributions
from tests.support.graphs import FREE, SMALL, array, decoded, floats, known

GRIDS = (2704, 676, 169, 49)
SIZE = (416, 416)


def peaks(*bins: int) -> NDArray[np.float32]:
    """Return logits that say for certain that the sides are so many cells away."""
    logits = np.full((4, 8), -50, dtype=np.float32)
    logits[np.arange(4), bins] = 50
    return logits.ravel()


def test_distances_are_means() -> None:
    even = np.zeros((1, 32), dtype=np.float32)
    box = boxes_from_distributions(array([[100, 50]]), array([[8]]), even)
    assert box.tolist() == [[100 - 28, 50 - 28, 100 + 28, 50 + 28]]


def nanodet(classes: int) -> tuple[NDArray[np.float32], DecodeSpec]:
    """Return NanoDet-Plus rows in which nothing is found, and their spec."""
    rows = np.zeros((1, 3598, classes + 32), dtype=np.float32)
    return rows, known([SMALL], floats(("output", rows.shape)), label_count=classes)[1]


def test_nothing_found() -> None:
    rows, spec = nanodet(3)
    assert decoded(spec, rows, size=SIZE) == []
    assert boxes_from_distributions(
        array(np.zeros((0, 2))), array(np.zeros((0, 1))), rows[0, :0]
    ).shape == (
        0,
        4,
    )


def test_a_cell_may_be_of_two_classes() -> None:
    rows, spec = nanodet(3)
    rows[0, 53, :3] = (0.6, 0.1, 0.7)
    rows[0, 53, 3:] = peaks(1, 0, 2, 3)
    box = [0, 8, 24, 32]
    assert decoded(spec, rows, size=SIZE) == [(box, 0.7, 2), (box, 0.6, 0)]


def test_nanodet_clips_boxes_to_its_input_before_suppression() -> None:
    rows, spec = nanodet(3)
    rows[0, 0, 0] = 0.7
    rows[0, 0, 3:] = peaks(7, 7, 1, 1)
    assert decoded(spec, rows, size=SIZE) == [([0, 0, 8, 8], 0.7, 0)]


def test_labels_tell_the_bins() -> None:
    output = floats(("output", (1, 3598, 3 + 44)))
    weights = {"head.gfl_cls.0.bias": (47,)}
    _, spec = known([SMALL], output, weights=weights, label_count=3)
    assert spec.class_count == 3
    assert "4 x 11 for the box" in spec.why


def test_nanodet_warps_pictures() -> None:
    wanted = nanodet(3)[1].preprocess
    assert (wanted.resize, wanted.filter, wanted.colour) == ("stretch", "warp", "bgr")
    assert (wanted.width, wanted.height) == SIZE
    free = known([FREE], floats(("output", (1, 8500, 112))))[1].preprocess
    assert (free.width, free.height) == SIZE


def test_nanodets_first_versions() -> None:
    ports = floats(*((f"{c}_pred_stride_{n}", (1, n, c)) for n in GRIDS[:3] for c in (3, 32)))
    family, spec = known([SMALL], ports)
    assert (family, spec.class_count, spec.preprocess.filter) == ("nanodet", 3, "warp")
    scores = [np.zeros((1, rows, 3), dtype=np.float32) for rows in GRIDS[:3]]
    sides = [np.zeros((1, rows, 32), dtype=np.float32) for rows in GRIDS[:3]]
    scores[1][0, 0, 2] = 0.6
    sides[1][0, 0] = peaks(1, 1, 1, 1)
    assert decoded(spec, *scores, *sides, size=SIZE) == [([0, 0, 24, 24], 0.6, 2)]


def test_nanodet_plus_cells_are_at_their_corner() -> None:
    rows = np.zeros((1, 3598, 112), dtype=np.float32)
    rows[0, 53, 2] = 0.7
    rows[0, 53, 80:] = peaks(1, 0, 2, 3)
    _, spec = known([SMALL], floats(("output", rows.shape)))
    assert decoded(spec, rows, size=SIZE) == [([0, 8, 24, 32], 0.7, 2)]
    assert (spec.class_count, spec.needs_nms) == (80, True)


def test_nanodet_cells_are_at_their_middle() -> None:
    rows = np.zeros((1, 3549, 35), dtype=np.float32)
    rows[0, 53, 2] = 0.7
    rows[0, 53, 3:] = peaks(1, 0, 2, 3)
    weights = {"head.gfl_cls.0.bias": (35,)}
    family, spec = known([SMALL], floats(("output", rows.shape)), weights=weights)
    assert (family, spec.class_count) == ("nanodet", 3)
    assert decoded(spec, rows, size=SIZE) == [([4, 12, 28, 36], 0.7, 2)]


def test_picodet_cells_are_at_their_middle() -> None:
    scores = [np.zeros((1, rows, 80), dtype=np.float32) for rows in GRIDS]
    sides = [np.zeros((1, rows, 32), dtype=np.float32) for rows in GRIDS]
    scores[1][0, 27, 5] = 0.6
    sides[1][0, 27] = peaks(1, 1, 1, 1)
    ports = floats(*((f"{c}-{n}", (1, n, c)) for n in reversed(GRIDS) for c in (80, 32)))
    _, spec = known([SMALL], ports)
    assert spec.outputs[:2] == ("80-2704", "80-676")
    assert spec.outputs[4:6] == ("32-2704", "32-676")
    assert decoded(spec, *scores, *sides, size=SIZE) == [([8, 8, 40, 40], 0.6, 5)]
    assert (spec.preprocess.colour, spec.preprocess.filter) == ("rgb", "cubic")


def test_picodet_of_rapidai_takes_pictures_as_opencv_reads_them() -> None:
    ports = floats(*((f"{c}-{n}", (1, n, c)) for n in GRIDS for c in (2, 32)))
    spec = known([SMALL], ports, metadata={"character": "text\ntitle"})[1]
    assert (spec.preprocess.colour, spec.preprocess.filter) == ("bgr", "linear")
