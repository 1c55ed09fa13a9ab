"""Tiles: what they cover, what is cut off in them, and what is found with them."""

import threading
import time
from itertools import pairwise

import av
import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config.schema import DetectorConfig
from pipeline.detection.detector import Detector
from pipeline.detection.model import Model
from pipeline.detection.tiles import (
    Tile,
    merge_tiles,
    shift_to_image,
    tile_grid,
    touches_inner_edge,
)
from pipeline.errors import BrokenError
from pipeline.frame import Detections, Image
from tests.support import clips

PICTURE = Tile(0, 0, 200, 100)
LEFT, RIGHT = Tile(0, 0, 110, 100), Tile(90, 0, 200, 100)


def found(*rows: tuple[float, ...]) -> Detections:
    """Return detections of x1, y1, x2, y2, score, class id."""
    table = np.array(rows, dtype=np.float32).reshape(-1, 6)
    return Detections(table[:, :4], table[:, 4], table[:, 5].astype(np.int64))


@given(
    width=st.integers(1, 4000),
    height=st.integers(1, 4000),
    count=st.integers(1, 8),
    overlap=st.floats(0, 0.5),
)
def test_tiles_cover_the_picture_and_overlap(
    width: int, height: int, count: int, overlap: float
) -> None:
    cut = tile_grid(width, height, count, overlap)
    assert len(cut) == count**2
    assert len({(x2 - x1, y2 - y1) for x1, y1, x2, y2 in cut}) == 1
    for length, low, high in ((width, 0, 2), (height, 1, 3)):
        spans = sorted({(tile[low], tile[high]) for tile in cut})
        assert (spans[0][0], spans[-1][1]) == (0, length)
        for (start, end), (following, _) in pairwise(spans):
            assert following > start
            assert end - following >= overlap * (end - start) - 1e-6


def test_tiles_by_hand() -> None:
    assert tile_grid(180, 100, 1, 0.2) == [(0, 0, 180, 100)]
    assert tile_grid(180, 90, 2, 0.2) == [
        (0, 0, 100, 50), (80, 0, 180, 50), (0, 40, 100, 90), (80, 40, 180, 90)
    ]  # fmt: skip
    assert tile_grid(30, 30, 3, 0.0)[4] == (10, 10, 20, 20)


def test_boxes_move_with_their_tile() -> None:
    assert shift_to_image(found((1, 2, 3, 4, 0.5, 0)), Tile(10, 20, 30, 40)).boxes.tolist() == [
        [11, 22, 13, 24]
    ]


def test_a_box_at_an_inner_edge_is_cut_off() -> None:
    boxes = found(
        (80, 10, 110, 50, 1, 0),  # reaches the inner edge
        (80, 10, 108, 50, 1, 0),  # nearly
        (80, 10, 107, 50, 1, 0),
        (0, 0, 50, 100, 1, 0),  # reaches the picture's own edges
    ).boxes
    assert touches_inner_edge(boxes, LEFT, PICTURE).tolist() == [True, True, False, False]
    assert not touches_inner_edge(boxes, PICTURE, PICTURE).any()


def put_together(left: Detections, right: Detections) -> list[list[float]]:
    cut = [
        touches_inner_edge(left.boxes, LEFT, PICTURE),
        touches_inner_edge(right.boxes, RIGHT, PICTURE),
    ]
    rows: list[list[float]] = merge_tiles([left, right], cut).boxes.tolist()
    return rows


def test_a_part_goes_where_more_of_the_object_is_known() -> None:
    part, whole = (95, 10, 110, 50, 0.9, 0), (95, 10, 130, 50, 0.6, 0)
    assert put_together(found(part), found(whole)) == [list(whole[:4])]


@pytest.mark.parametrize(
    "other",
    [
        (95, 10, 130, 50, 0.9, 1),  # of another class
        (103, 10, 130, 50, 0.9, 0),  # covers less than a half
        (95, 12, 106, 48, 0.9, 0),  # smaller
    ],
)
def test_a_part_that_no_other_box_explains_stays(other: tuple[float, ...]) -> None:
    part = (95, 10, 110, 50, 0.9, 0)
    assert put_together(found(part), found(other)) == [list(part[:4]), list(other[:4])]


def test_equal_parts_do_not_remove_one_another() -> None:
    # 20 wide each, one half in common, both cut off.
    left, right = (90, 10, 110, 50, 0.9, 0), (90, 10, 110, 50, 0.8, 0)
    assert len(put_together(found(left), found(right))) == 2


def test_a_whole_object_within_a_larger_one_stays() -> None:
    small, large = (20, 20, 40, 40, 0.9, 0), (5, 5, 85, 85, 0.9, 0)
    assert len(put_together(found(small), found(large))) == 2


def test_nothing_found_is_nothing_merged() -> None:
    assert put_together(found(), found()) == []


@pytest.fixture(scope="module")
def model() -> Model:
    return Model.load(DetectorConfig().model)


@pytest.fixture(scope="module")
def street() -> Image:
    """Return the sample's first frame."""
    with av.open(str(clips.SAMPLE)) as container:
        picture = next(clips.decoded_frames(container)).to_ndarray(format="bgr24")
    return np.asarray(picture, dtype=np.uint8)


def detector(model: Model, **config: object) -> Detector:
    return Detector(model, DetectorConfig.model_validate(config))


def share_seen(known: Detections, seen: Detections) -> float:
    """Return the share of known objects half of which lies in a box of their class."""
    low = np.maximum(known.boxes[:, np.newaxis, :2], seen.boxes[:, :2])
    high = np.minimum(known.boxes[:, np.newaxis, 2:], seen.boxes[:, 2:])
    areas = (known.boxes[:, 2:] - known.boxes[:, :2]).prod(axis=1)
    half = np.maximum(high - low, 0).prod(axis=2) > areas[:, np.newaxis] / 2
    return float((half & (known.class_ids[:, np.newaxis] == seen.class_ids)).any(axis=1).mean())


def test_small_objects_are_found_in_tiles(model: Model, street: Image) -> None:
    height, width = street.shape[:2]
    real = ("person", "car")  # what else it sees there is a mistake
    one = detector(model, classes=real).detect(street)
    corners = [Tile(x, y, x + width, y + height) for y in (0, height) for x in (0, width)]
    known = merge_tiles(
        [shift_to_image(one, corner) for corner in corners], [np.zeros(len(one), np.bool_)] * 4
    )
    wall = np.tile(street, (2, 2, 1))
    assert share_seen(known, detector(model, classes=real).detect(wall)) < 0.5
    assert share_seen(known, detector(model, tiles=3, classes=real).detect(wall)) > 0.9


@pytest.mark.parametrize("shift", range(-240, 241, 60))
def test_a_person_across_a_border_is_found_once(model: Model, street: Image, shift: int) -> None:
    # A walker fills the height of a tile; wherever he stands, most tiles cut him.
    zoomed = np.asarray(cv2.resize(street[163:403, 520:760], (768, 768)), dtype=np.uint8)
    seen = detector(model, tiles=2, classes=("person",)).detect(np.roll(zoomed, shift, axis=1))
    assert len(seen) == 1
    assert np.allclose(seen.boxes[0], [385 + shift, 250, 510 + shift, 515], atol=60)


def test_one_tile_is_the_whole_picture(model: Model, street: Image) -> None:
    plain, tiled = detector(model), detector(model, tiles=1, tile_overlap=0.5)
    assert tiled.detect(street).boxes.tobytes() == plain.detect(street).boxes.tobytes()


@pytest.mark.parametrize("shape", [(1, 1, 3), (3, 500, 3), (500, 7, 3)])
def test_tiles_of_few_pixels(model: Model, shape: tuple[int, int, int]) -> None:
    seen = detector(model, tiles=3, score_threshold=0.05).detect(np.full(shape, 90, np.uint8))
    assert (seen.boxes >= 0).all()
    assert (seen.boxes <= [shape[1], shape[0]] * 2).all()


def test_a_stop_ends_it_at_once(model: Model, street: Image) -> None:
    stopped = detector(model, tiles=8)
    # 65 looks take more than a second; it is stopped long before, in the middle of them.
    timer = threading.Timer(0.1, stopped.stop)
    timer.start()
    began = time.perf_counter()
    with pytest.raises(BrokenError, match="terminate"):
        stopped.detect(street)
    timer.join()
    assert time.perf_counter() - began < 1
