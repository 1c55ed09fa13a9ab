"""The sampling grid, compared with a direct implementation of its definition."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config.schema import Config
from pipeline.decoding.sampling import Sampler, SamplingGrid


def grid_of(**config: object) -> SamplingGrid:
    segment_seconds = config.pop("segment_seconds", 600)
    return SamplingGrid.from_config(
        Config.model_validate({"sampling": config, "segment": {"seconds": segment_seconds}})
    )


def sampled(times_ms: list[float], grid: SamplingGrid) -> dict[int, int]:
    """Return the segments of the sampled frames by frame index."""
    sampler = Sampler(grid)
    segments = {index: sampler.segment_for(time) for index, time in enumerate(times_ms)}
    return {index: segment for index, segment in segments.items() if segment is not None}


def sampled_by_definition(times_ms: list[float], grid: SamplingGrid) -> dict[int, int]:
    """Return the same: sample k is the first frame at or after start + k * every, each once."""
    times_us = [round(time * 1000) for time in times_ms]
    result: dict[int, int] = {}
    k = 0
    while grid.point_us(k) <= times_us[-1]:
        index = next(i for i, time in enumerate(times_us) if time >= grid.point_us(k))
        if grid.end_us is None or times_us[index] < grid.end_us:
            result.setdefault(index, grid.segment_of(k))
        k += 1
    return result


def test_one_frame_in_ten_is_sampled_from_ten_frames_a_second() -> None:
    times = [100.0 * n for n in range(35)]
    assert sampled(times, grid_of()) == {0: 0, 10: 0, 20: 0, 30: 0}


def test_a_frame_just_before_a_grid_point_is_not_sampled() -> None:
    assert list(sampled([0.0, 999.999, 1000.001], grid_of())) == [0, 2]


def test_the_first_frame_after_a_pause_is_sampled_once() -> None:
    assert list(sampled([0.0, 5300.0, 5900.0, 6000.0], grid_of())) == [0, 1, 3]


def test_sampled_frames_lie_between_start_and_end() -> None:
    times = [250.0 * n for n in range(20)]
    found = sampled(times, grid_of(start_seconds=0.6, end_seconds=2.5, every_seconds=1))
    assert [times[index] for index in found] == [750.0, 1750.0]


def test_a_sample_belongs_to_the_segment_of_its_grid_point() -> None:
    # The frame at 3100 ms is the sample of the point at 2000 ms, which lies in segment 0.
    assert sampled([0.0, 1000.0, 3100.0, 4000.0], grid_of(segment_seconds=3)) == {
        0: 0,
        1: 0,
        2: 0,
        3: 1,
    }


def test_sampling_is_done_at_the_end() -> None:
    sampler = Sampler(grid_of(end_seconds=2))
    assert not sampler.is_done(1999.999)
    assert sampler.is_done(2000.0)


def on_show(times_ms: list[float], grid: SamplingGrid, last_ms: float = 0.0) -> dict[int, int]:
    """Return the segments of the frames that are on show, as a decoder that looks ahead does."""
    sampler = Sampler(grid)
    following = [*times_ms[1:], times_ms[-1] + last_ms]
    spans = enumerate(zip(times_ms, following, strict=True))
    found = {index: sampler.segment_for(time, until) for index, (time, until) in spans}
    return {index: segment for index, segment in found.items() if segment is not None}


def on_show_by_definition(
    times_ms: list[float], grid: SamplingGrid, last_ms: float
) -> dict[int, int]:
    """Return the same: sample k is the last frame at or before start + k * every, each once."""
    times_us = [round(time * 1000) for time in times_ms]
    end_us = times_us[-1] + round(last_ms * 1000)
    result: dict[int, int] = {}
    k = 0
    while grid.point_us(k) < end_us and not grid.is_past_end(grid.point_us(k)):
        index = max(at for at, time in enumerate(times_us) if time <= grid.point_us(k))
        result.setdefault(index, grid.segment_of(k))
        k += 1
    return result


def test_a_picture_that_was_on_show_for_long_is_sampled_once() -> None:
    times = [0.0, 100.0, 19_000.0]
    assert list(sampled(times, grid_of())) == [0, 2]
    assert list(on_show(times, grid_of(pick="on_show"), last_ms=100)) == [0, 1, 2]


def test_the_last_picture_is_on_show_for_as_long_as_its_packet_says() -> None:
    assert list(on_show([0.0, 500.0], grid_of(pick="on_show"), last_ms=500)) == [0]
    assert list(on_show([0.0, 500.0], grid_of(pick="on_show"), last_ms=501)) == [0, 1]


def test_the_picture_on_show_at_the_start_is_from_before_it() -> None:
    times = [0.0, 1900.0, 4000.0]
    assert list(on_show(times, grid_of(pick="on_show", start_seconds=2, end_seconds=4))) == [1]


@given(
    gaps=st.lists(st.integers(min_value=0, max_value=4_000_000), min_size=1, max_size=60),
    last=st.integers(min_value=0, max_value=3_000_000),
    every=st.integers(min_value=1, max_value=5_000),
    start=st.integers(min_value=0, max_value=9_000),
    length=st.none() | st.integers(min_value=1, max_value=60_000),
)
def test_frames_on_show_follow_the_definition(
    gaps: list[int], last: int, every: int, start: int, length: int | None
) -> None:
    times_ms = [sum(gaps[:n]) / 1000 for n in range(len(gaps))]
    grid = grid_of(
        every_seconds=every / 1000,
        start_seconds=start / 1000,
        end_seconds=None if length is None else (start + length) / 1000,
        segment_seconds=5,
        pick="on_show",
    )
    assert on_show(times_ms, grid, last / 1000) == on_show_by_definition(
        times_ms, grid, last / 1000
    )


@given(
    gaps=st.lists(st.integers(min_value=1, max_value=4_000_000), min_size=1, max_size=60),
    every=st.integers(min_value=1, max_value=5_000),
    start=st.integers(min_value=0, max_value=9_000),
    length=st.none() | st.integers(min_value=1, max_value=60_000),
    segment=st.integers(min_value=1_000, max_value=20_000),
)
def test_the_sampler_follows_the_definition(
    gaps: list[int], every: int, start: int, length: int | None, segment: int
) -> None:
    times_ms = [sum(gaps[:n]) / 1000 for n in range(len(gaps))]
    grid = grid_of(
        every_seconds=every / 1000,
        start_seconds=start / 1000,
        end_seconds=None if length is None else (start + length) / 1000,
        segment_seconds=segment / 1000,
    )
    assert sampled(times_ms, grid) == sampled_by_definition(times_ms, grid)


@pytest.mark.parametrize("every", [0.1, 1 / 3, 1001 / 30000])
def test_grid_points_do_not_drift(every: float) -> None:
    grid = grid_of(every_seconds=every)
    assert grid.point_us(100_000) == 100_000 * round(every * 1_000_000)
