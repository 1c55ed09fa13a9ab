"""Times that never run backwards."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.clock import Clock


def ticks(*positions_ms: float) -> list[float]:
    clock = Clock(40)
    return [clock.tick(position) for position in positions_ms]


def test_times_count_from_the_first_frame() -> None:
    assert ticks(1480, 1520.0004, 1560) == [0, 40.0, 80]


def test_a_last_frame_without_a_time_follows_at_the_last_period() -> None:
    assert ticks(0, 100, 200, 0) == [0, 100, 200, 300]


def test_a_stream_without_times_runs_at_its_nominal_rate() -> None:
    assert ticks(0, 0, 0, 0) == [0, 40, 80, 120]


def test_a_clock_that_is_set_back_goes_on() -> None:
    assert ticks(5000, 5050, 5100, 20, 70) == [0, 50, 100, 150, 200]


def test_a_frame_without_a_time_in_the_middle_costs_nothing_after_it() -> None:
    assert ticks(0, 33, 0, 99) == [0, 33, 66, 99]


@given(st.lists(st.floats(0, 1e7)))
def test_never_backwards(positions: list[float]) -> None:
    found = ticks(*positions)
    assert found == sorted(found)
