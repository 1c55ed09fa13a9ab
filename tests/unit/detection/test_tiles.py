"""Tiles of an image, and how the detections of several tiles are merged."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.detection.tiles import (
    Tile,
    merge_tiles,
    shift_to_image,
    tile_grid,
    touches_inner_edge,
)
from pipeline.frame import Detections

WHOLE_IMAGE = Tile(0, 0, 200, 100)
LEFT, RIGHT = Tile(0, 0, 110, 100), Tile(90, 0, 200, 100)

Row = tuple[float, float, float, float, float, int]
"""A detection: x1, y1, x2, y2, score, class id."""


def detections_of(*rows: Row) -> Detections:
    table = np.array(rows, dtype=np.float32).reshape(-1, 6)
    return Detections(table[:, :4], table[:, 4], table[:, 5].astype(np.int64))


def merge(left: Detections, right: Detections) -> list[list[float]]:
    """Return the boxes that remain of the detections of the left and the right tile."""
    are_cut = [
        touches_inner_edge(left.boxes, LEFT, WHOLE_IMAGE),
        touches_inner_edge(right.boxes, RIGHT, WHOLE_IMAGE),
    ]
    boxes: list[list[float]] = merge_tiles([left, right], are_cut).boxes.tolist()
    return boxes


@given(
    width=st.integers(1, 4000),
    height=st.integers(1, 4000),
    count=st.integers(1, 8),
    overlap=st.floats(0, 0.5),
)
def test_tiles_have_one_size_cover_the_image_and_overlap(
    width: int, height: int, count: int, overlap: float
) -> None:
    tiles = tile_grid(width, height, count, overlap)
    assert len(tiles) == count**2
    assert len({(x2 - x1, y2 - y1) for x1, y1, x2, y2 in tiles}) == 1
    columns, rows = {(tile.x1, tile.x2) for tile in tiles}, {(tile.y1, tile.y2) for tile in tiles}
    for length, spans in ((width, sorted(columns)), (height, sorted(rows))):
        assert (spans[0][0], spans[-1][1]) == (0, length)
        for (start, end), (next_start, _) in pairwise(spans):
            assert next_start > start
            assert end - next_start >= overlap * (end - start) - 1e-6


def test_a_grid_of_one_tile_is_the_whole_image() -> None:
    assert tile_grid(180, 100, 1, 0.2) == [(0, 0, 180, 100)]


def test_tiles_are_listed_row_by_row() -> None:
    assert tile_grid(180, 90, 2, 0.2) == [
        (0, 0, 100, 50), (80, 0, 180, 50), (0, 40, 100, 90), (80, 40, 180, 90)
    ]  # fmt: skip


def test_tiles_without_overlap_touch_each_other() -> None:
    assert tile_grid(30, 20, 2, 0.0) == [
        (0, 0, 15, 10), (15, 0, 30, 10), (0, 10, 15, 20), (15, 10, 30, 20)
    ]  # fmt: skip


def test_a_crop_has_the_pixels_of_the_tile() -> None:
    image = np.arange(5 * 6 * 3, dtype=np.uint8).reshape(5, 6, 3)
    assert np.array_equal(Tile(1, 2, 4, 5).crop(image), image[2:5, 1:4])


def test_boxes_are_shifted_by_the_corner_of_their_tile() -> None:
    shifted = shift_to_image(detections_of((1, 2, 3, 4, 0.5, 7)), Tile(10, 20, 30, 40))
    assert shifted.boxes.tolist() == [[11, 22, 13, 24]]
    assert shifted.scores.tolist() == [0.5]
    assert shifted.class_ids.tolist() == [7]


def test_a_box_touches_an_edge_inside_the_image_from_2_pixels_away() -> None:
    boxes = np.array(
        [
            [80, 10, 110, 50],
            [80, 10, 108, 50],  # 2 pixels away
            [80, 10, 107, 50],  # 3 pixels away
            [0, 0, 50, 100],  # touches edges of the image only
        ],
        dtype=np.float32,
    )
    assert touches_inner_edge(boxes, LEFT, WHOLE_IMAGE).tolist() == [True, True, False, False]
    assert not touches_inner_edge(boxes, WHOLE_IMAGE, WHOLE_IMAGE).any()


def test_in_a_large_tile_a_box_touches_an_edge_from_1_percent_of_the_side_away() -> None:
    boxes = np.array([[10, 10, 990, 50], [10, 10, 989, 50]], dtype=np.float32)
    touches = touches_inner_edge(boxes, Tile(0, 0, 1000, 1000), Tile(0, 0, 2000, 1000))
    assert touches.tolist() == [True, False]


def test_a_cut_box_is_removed_if_a_larger_box_of_its_class_covers_it() -> None:
    cut, larger = (95, 10, 110, 50, 0.9, 0), (95, 10, 130, 50, 0.6, 0)
    assert merge(detections_of(cut), detections_of(larger)) == [list(larger[:4])]


@pytest.mark.parametrize(
    "other",
    [
        pytest.param((95, 10, 130, 50, 0.9, 1), id="of another class"),
        pytest.param((103, 10, 130, 50, 0.9, 0), id="covers less than half of it"),
        pytest.param((95, 12, 106, 48, 0.9, 0), id="smaller"),
    ],
)
def test_a_cut_box_is_kept_if_no_larger_box_of_its_class_covers_it(other: Row) -> None:
    cut = (95, 10, 110, 50, 0.9, 0)
    assert merge(detections_of(cut), detections_of(other)) == [list(cut[:4]), list(other[:4])]


def test_two_cut_boxes_of_one_size_do_not_remove_each_other() -> None:
    left, right = (90, 10, 110, 50, 0.9, 0), (90, 10, 110, 50, 0.8, 0)
    assert len(merge(detections_of(left), detections_of(right))) == 2


def test_a_box_that_is_not_cut_is_kept_inside_a_larger_box() -> None:
    small, large = (20, 20, 40, 40, 0.9, 0), (5, 5, 85, 85, 0.9, 0)
    assert len(merge(detections_of(small), detections_of(large))) == 2


def test_tiles_without_detections_are_merged_to_no_detections() -> None:
    assert merge(detections_of(), detections_of()) == []
