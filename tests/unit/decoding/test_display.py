"""How stored pixels are displayed: orientation and square pixels."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.decoding.display import Orientation, orientation_of, plausible_ratio, square_size

ONE = 0x10000
W = 0x40000000
# 1 2 3
# 4 5 6
IMAGE = np.arange(1, 7, dtype=np.uint8).reshape(2, 3, 1)


def matrix(a: float, b: float, c: float, d: float) -> list[int]:
    return [round(a * ONE), round(b * ONE), 0, round(c * ONE), round(d * ONE), 0, 0, 0, W]


@pytest.mark.parametrize(
    ("numbers", "rows"),
    [
        ((1, 0, 0, 1), [[1, 2, 3], [4, 5, 6]]),
        ((-1, 0, 0, 1), [[3, 2, 1], [6, 5, 4]]),
        ((1, 0, 0, -1), [[4, 5, 6], [1, 2, 3]]),
        ((-1, 0, 0, -1), [[6, 5, 4], [3, 2, 1]]),
        ((0, 1, -1, 0), [[4, 1], [5, 2], [6, 3]]),
        ((0, -1, 1, 0), [[3, 6], [2, 5], [1, 4]]),
        ((0, 1, 1, 0), [[1, 4], [2, 5], [3, 6]]),
        ((0, -1, -1, 0), [[6, 3], [5, 2], [4, 1]]),
    ],
)
def test_a_matrix_moves_each_pixel_where_it_says(
    numbers: tuple[float, ...], rows: list[list[int]]
) -> None:
    shown = orientation_of(matrix(*numbers)).applied(IMAGE)
    assert shown[:, :, 0].tolist() == rows
    # By definition: a point (x, y) is shown at (a x + c y, b x + d y), apart from a shift.
    a, b, c, d = numbers
    places = {
        (a * x + c * y, b * x + d * y): int(IMAGE[y, x, 0]) for y in range(2) for x in range(3)
    }
    left, top = (min(place[axis] for place in places) for axis in (0, 1))
    for (x, y), value in places.items():
        assert shown[int(y - top), int(x - left), 0] == value


@pytest.mark.parametrize("scale", [0.5, 2, 3])
def test_the_scale_of_a_matrix_does_not_matter(scale: float) -> None:
    assert orientation_of(matrix(0, scale, -scale, 0)) == Orientation(1)


@pytest.mark.parametrize("degrees", [1, 30, 45, 89, 135])
def test_an_image_at_another_angle_stays_as_it_is(degrees: int) -> None:
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    assert orientation_of(matrix(cos, sin, -sin, cos)) == Orientation()


@given(st.lists(st.integers(-(2**31), 2**31 - 1), min_size=9, max_size=9))
def test_any_matrix_has_an_orientation(numbers: list[int]) -> None:
    assert sorted(orientation_of(numbers).applied(IMAGE).ravel()) == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("stored", "ratio", "size"),
    [
        ((352, 576), Fraction(24, 11), (768, 576)),
        ((720, 576), Fraction(64, 45), (1024, 576)),
        ((720, 480), Fraction(8, 9), (720, 540)),
        ((1440, 1080), Fraction(4, 3), (1920, 1080)),
        ((640, 480), Fraction(1), (640, 480)),
        ((3, 5), Fraction(1, 8), (3, 40)),
    ],
)
def test_an_image_grows_until_its_pixels_are_square(
    stored: tuple[int, int], ratio: Fraction, size: tuple[int, int]
) -> None:
    assert square_size(*stored, ratio) == size


@pytest.mark.parametrize(
    "ratio",
    [
        None, Fraction(0), Fraction(-4, 3), Fraction(801, 100), Fraction(1, 9), Fraction(10**6),
        Fraction(853, 854), Fraction(2740, 2739),
    ],
)  # fmt: skip
def test_a_ratio_that_is_unknown_implausible_or_almost_one_counts_as_one(
    ratio: Fraction | None,
) -> None:
    assert plausible_ratio(ratio) == 1


@given(
    st.integers(1, 9000),
    st.integers(1, 9000),
    st.fractions(Fraction(1, 8), Fraction(8), max_denominator=10**6),
)
def test_no_pixel_is_lost_and_the_shape_is_right(width: int, height: int, ratio: Fraction) -> None:
    shown_width, shown_height = square_size(width, height, ratio)
    assert shown_width >= width
    assert shown_height >= height
    if ratio >= 1:
        assert abs(shown_width - width * ratio) <= Fraction(1, 2)
    else:
        assert abs(shown_height - height / ratio) <= Fraction(1, 2)
