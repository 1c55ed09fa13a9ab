"""Times that never run backwards."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.decoding.timestamps import PresentationClock


def ticks(*positions_ms: float, rate: float = 25) -> list[float]:
    clock = PresentationClock(rate)
    return [clock.next_pts_ms(position) for position in positions_ms]


def test_times_count_from_the_first_frame() -> None:
    assert ticks(1480, 1520.0004, 1560) == [0, 40.0, 80]


def test_a_last_frame_without_a_time_follows_at_the_nominal_period() -> None:
    assert ticks(0, 100, 200, 0) == [0, 100, 200, 240]


@pytest.mark.parametrize(("rate", "period"), [(50, 20), (0, 40), (90_000, 40), (float("nan"), 40)])
def test_a_stream_without_times_runs_at_a_believable_rate(rate: float, period: float) -> None:
    assert ticks(0, 0, 0, 0, rate=rate) == [0, period, 2 * period, 3 * period]


def test_a_frame_out_of_order_moves_no_other() -> None:
    # After a hole of 2 s, a frame from before it: the ones that follow keep their own times.
    assert ticks(0, 40, 2000, 1960, 2040, 2080) == [0, 40, 2000, 2000, 2040, 2080]


def test_a_clock_that_is_set_back_goes_on_at_the_streams_own_intervals() -> None:
    back = [20.0 + 300 * n for n in range(20)]
    found = ticks(5000, 65_000, *back)
    assert found[:18] == [0] + [60_000] * 17  # it might be one frame too late, and another
    assert found[18] == 60_000 + 17 * 40
    assert found[19:] == [found[18] + 300, found[18] + 600, found[18] + 900]


def test_frames_from_before_a_hole_do_not_set_the_clock_back() -> None:
    mixed = [time for n in range(10) for time in (8000.0 + 40 * n, 3000.0 + 40 * n)]
    assert ticks(0, *mixed, 8400)[-1] == 8400


def test_zero_is_a_time_where_times_begin_before_it() -> None:
    assert ticks(-5000, 0, 5000) == [0, 5000, 10_000]


def test_one_time_far_ahead_is_not_believed_and_two_are() -> None:
    assert ticks(0, 40, 9e6, 120, 160) == [0, 40, 80, 120, 160]
    assert ticks(0, 40, 9e6, 9e6 + 40) == [0, 40, 80, 9e6 + 40]


def test_a_frame_without_a_time_in_the_middle_costs_nothing_after_it() -> None:
    assert ticks(0, 33, 0, 99) == [0, 33, 73, 99]


@given(st.lists(st.floats(0, 1e7)))
def test_never_backwards(positions: list[float]) -> None:
    found = ticks(*positions)
    assert found == sorted(found)
