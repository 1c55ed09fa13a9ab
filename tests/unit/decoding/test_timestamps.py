"""Presentation times from the positions that OpenCV reports. They never decrease."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.decoding.timestamps import PresentationClock


def pts_ms(*positions_ms: float | Fraction | None, rate: float = 25) -> list[float]:
    clock = PresentationClock(rate)
    return [
        clock.next_pts_ms(None if position is None else Fraction(position))
        for position in positions_ms
    ]


def test_times_count_from_the_first_frame() -> None:
    assert pts_ms(1480, 1520.0004, 1560) == [0, 40.0, 80]


def test_a_last_frame_without_a_time_follows_at_the_nominal_period() -> None:
    assert pts_ms(0, 100, 200, None) == [0, 100, 200, 240]


@pytest.mark.parametrize(("rate", "period"), [(50, 20), (0, 40), (90_000, 40), (float("nan"), 40)])
def test_a_stream_without_times_uses_its_rate_if_that_is_plausible(
    rate: float, period: float
) -> None:
    assert pts_ms(None, None, None, None, rate=rate) == [0, period, 2 * period, 3 * period]


def test_a_frame_out_of_order_does_not_change_later_times() -> None:
    # A gap of 2 s, then a frame from inside the gap. The frames after it keep their times.
    assert pts_ms(0, 40, 2000, 1960, 2040, 2080) == [0, 40, 2000, 2000, 2040, 2080]


def test_after_the_clock_is_set_back_times_follow_the_intervals_of_the_stream() -> None:
    after = [20.0 + 300 * n for n in range(20)]
    times = pts_ms(5000, 65_000, *after)
    # Sixteen frames may be out of order. The seventeenth shows that the clock was set back.
    assert times[:18] == [0] + [60_000] * 17
    assert times[18] == 60_000 + 17 * 40
    assert times[19:] == [times[18] + 300, times[18] + 600, times[18] + 900]


def test_mixed_frames_of_two_times_do_not_set_the_clock_back() -> None:
    mixed = [time for n in range(10) for time in (8000.0 + 40 * n, 3000.0 + 40 * n)]
    assert pts_ms(0, *mixed, 8400)[-1] == 8400


def test_zero_is_a_time() -> None:
    assert pts_ms(-5000, 0, 5000) == [0, 5000, 10_000]


def test_one_time_far_ahead_is_ignored_and_two_are_not() -> None:
    assert pts_ms(0, 40, 9e6, 120, 160) == [0, 40, 80, 120, 160]
    assert pts_ms(0, 40, 9e6, 9e6 + 40) == [0, 40, 80, 9e6 + 40]


def test_a_frame_without_a_time_does_not_change_later_times() -> None:
    assert pts_ms(0, 33, None, 99) == [0, 33, 73, 99]


def test_periods_are_added_exactly() -> None:
    # Each rounded, 60 periods of 33.333 ms would be 1999.98 ms, before the sample at 2 seconds.
    assert pts_ms(*[None] * 61, rate=30)[-1] == 2000
    assert pts_ms(0, *[None] * 30_000, rate=30_000 / 1001)[-1] == 1_001_000


@given(st.lists(st.one_of(st.none(), st.fractions(0, 10**6)), min_size=1))
def test_times_are_rounded_only_once(positions: list[Fraction | None]) -> None:
    times = pts_ms(*positions, rate=30)
    exact = Fraction(0)
    for n, position in enumerate(positions):
        if n:
            moved = None if position is None else position - (positions[0] or 0)
            exact = exact + Fraction(100, 3) if moved is None else max(exact, moved)
        assert times[n] == round(float(exact), 3)


@given(st.lists(st.floats(0, 1e7)))
def test_times_never_decrease(positions: list[float]) -> None:
    times = pts_ms(*positions)
    assert times == sorted(times)
