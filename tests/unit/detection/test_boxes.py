"""The geometry of boxes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from pipeline.detection.boxes import areas, cxcywh_to_xyxy, intersections, iou

Boxes = NDArray[np.float64]


def boxes_within(limit: int) -> st.SearchStrategy[Boxes]:
    """Generate N x 4 boxes, x1 y1 x2 y2, with sides of 0 to `limit` pixels."""
    corners_and_sides = arrays(
        np.float64, st.tuples(st.integers(0, 8), st.just(4)), elements=st.integers(0, limit)
    )
    return corners_and_sides.map(
        lambda rows: np.concatenate([rows[:, :2], rows[:, :2] + rows[:, 2:]], axis=1)
    )


def pixels_of(box: Boxes) -> NDArray[np.bool_]:
    """Return an image of 32 x 32 pixels in which the pixels of a box are True."""
    x1, y1, x2, y2 = box.astype(int)
    image = np.zeros((32, 32), dtype=np.bool_)
    image[y1:y2, x1:x2] = True
    return image


def test_centre_and_size_become_corners() -> None:
    corners = cxcywh_to_xyxy(np.array([[10, 20, 4, 6], [0, 0, 3, 0]], dtype=np.float32))
    assert corners.tolist() == [[8, 17, 12, 23], [-1.5, 0, 1.5, 0]]


def test_corners_of_float16_boxes_have_the_precision_of_float32() -> None:
    # float16 has steps of 1 pixel between 1024 and 2048, and cannot represent 1500.5.
    corners = cxcywh_to_xyxy(np.array([[1500, 1000, 1, 1]], dtype=np.float16))
    assert corners.dtype == np.float32
    assert corners.tolist() == [[1499.5, 999.5, 1500.5, 1000.5]]


def test_no_boxes_have_no_corners_areas_or_intersections() -> None:
    none, three = np.empty((0, 4)), np.zeros((3, 4))
    assert cxcywh_to_xyxy(none).shape == (0, 4)
    assert areas(none).shape == (0,)
    assert intersections(none, three).shape == iou(none, three).shape == (0, 3)


def test_the_area_is_width_times_height() -> None:
    assert areas(np.array([[1, 2, 4, 7], [3, 3, 3, 9]])).tolist() == [15, 0]


@pytest.mark.parametrize(
    ("other", "intersection", "expected_iou"),
    [
        ((0, 0, 10, 10), 100, 1.0),
        ((5, 0, 15, 10), 50, 1 / 3),  # 50 of 150 pixels
        ((5, 5, 15, 15), 25, 1 / 7),  # 25 of 175 pixels
        ((2, 2, 7, 6), 20, 0.2),  # inside
        ((10, 0, 20, 10), 0, 0.0),  # the edges touch
        ((10, 10, 20, 20), 0, 0.0),  # the corners touch
        ((20, 30, 40, 50), 0, 0.0),  # far away on both axes
        ((4, 4, 4, 8), 0, 0.0),  # no width
    ],
)
def test_intersection_and_iou_of_two_boxes(
    other: tuple[int, ...], intersection: float, expected_iou: float
) -> None:
    box, others = np.array([[0, 0, 10, 10]], dtype=float), np.array([other], dtype=float)
    assert intersections(box, others).tolist() == [[intersection]]
    assert iou(box, others).tolist() == [[pytest.approx(expected_iou)]]


def test_the_iou_of_two_empty_boxes_is_0() -> None:
    empty = np.array([[3.0, 3, 3, 3]])
    assert iou(empty, empty).tolist() == [[0]]


def test_each_box_has_a_row_and_each_other_box_a_column() -> None:
    boxes = np.array([[0.0, 0, 2, 2], [0, 0, 4, 4]])
    others = np.array([[0.0, 0, 2, 2], [2, 2, 4, 4], [9, 9, 10, 10]])
    assert intersections(boxes, others).tolist() == [[4, 0, 0], [4, 4, 0]]
    assert iou(boxes, others).tolist() == [[1, 0, 0], [0.25, 0.25, 0]]


@given(boxes=boxes_within(16), others=boxes_within(16))
def test_areas_and_intersections_equal_the_number_of_pixels(boxes: Boxes, others: Boxes) -> None:
    assert areas(boxes).tolist() == [pixels_of(box).sum() for box in boxes]
    assert intersections(boxes, others).tolist() == [
        [(pixels_of(box) & pixels_of(other)).sum() for other in others] for box in boxes
    ]


@given(boxes=boxes_within(1000), others=boxes_within(1000))
def test_iou_is_symmetric_and_from_0_to_1(boxes: Boxes, others: Boxes) -> None:
    result = iou(boxes, others)
    assert np.array_equal(result, iou(others, boxes).T)
    assert ((result >= 0) & (result <= 1)).all()


@given(boxes=boxes_within(1000))
def test_the_iou_of_a_box_with_itself_is_1_unless_it_is_empty(boxes: Boxes) -> None:
    assert np.diag(iou(boxes, boxes)).tolist() == (areas(boxes) > 0).tolist()


@given(
    rows=arrays(np.float32, st.tuples(st.integers(0, 8), st.just(4)), elements=st.integers(0, 999))
)
def test_corners_have_the_given_centre_and_size(rows: NDArray[np.float32]) -> None:
    corners = cxcywh_to_xyxy(rows)
    assert np.array_equal((corners[:, :2] + corners[:, 2:]) / 2, rows[:, :2])
    assert np.array_equal(corners[:, 2:] - corners[:, :2], rows[:, 2:])
