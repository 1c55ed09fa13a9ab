"""Presentation times from the positions that OpenCV reports. They never decrease."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.decoding.timestamps import PresentationClock


def pts_ms(*positions_ms: float, rate: float = 25) -> list[float]:
    clock = PresentationClock(rate)
    return [clock.next_pts_ms(position) for position in positions_ms]


def test_times_count_from_the_first_frame() -> None:
    assert pts_ms(1480, 1520.0004, 1560) == [0, 40.0, 80]


def test_a_last_frame_without_a_time_follows_at_the_nominal_period() -> None:
    assert pts_ms(0, 100, 200, 0) == [0, 100, 200, 240]


@pytest.mark.parametrize(("rate", "period"), [(50, 20), (0, 40), (90_000, 40), (float("nan"), 40)])
def test_a_stream_without_times_uses_its_rate_if_that_is_plausible(
    rate: float, period: float
) -> None:
    assert pts_ms(0, 0, 0, 0, rate=rate) == [0, period, 2 * period, 3 * period]


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


def test_zero_is_a_time_if_the_first_time_is_negative() -> None:
    assert pts_ms(-5000, 0, 5000) == [0, 5000, 10_000]


def test_one_time_far_ahead_is_ignored_and_two_are_not() -> None:
    assert pts_ms(0, 40, 9e6, 120, 160) == [0, 40, 80, 120, 160]
    assert pts_ms(0, 40, 9e6, 9e6 + 40) == [0, 40, 80, 9e6 + 40]


def test_a_frame_without_a_time_does_not_change_later_times() -> None:
    assert pts_ms(0, 33, 0, 99) == [0, 33, 73, 99]


@given(st.lists(st.floats(0, 1e7)))
def test_times_never_decrease(positions: list[float]) -> None:
    times = pts_ms(*positions)
    assert times == sorted(times)
