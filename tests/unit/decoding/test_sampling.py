"""The sampling grid against its definition, read off directly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config.schema import Config
from pipeline.decoding.sampling import Sampler, SamplingGrid


def grid(**config: object) -> SamplingGrid:
    segment = config.pop("segment", 600)
    return SamplingGrid.from_config(
        Config.model_validate({"sampling": config, "segment": {"seconds": segment}})
    )


def sampled(times_ms: list[float], of: SamplingGrid) -> dict[int, int]:
    sampler = Sampler(of)
    verdicts = {index: sampler.segment_for(time) for index, time in enumerate(times_ms)}
    return {index: segment for index, segment in verdicts.items() if segment is not None}


def by_definition(times_ms: list[float], of: SamplingGrid) -> dict[int, int]:
    """Sample k is the first frame at or after start + k * every; each frame once."""
    times_us = [round(time * 1000) for time in times_ms]
    result: dict[int, int] = {}
    k = 0
    while of.point_us(k) <= times_us[-1]:
        index = next(i for i, time in enumerate(times_us) if time >= of.point_us(k))
        if of.end_us is None or times_us[index] < of.end_us:
            result.setdefault(index, of.segment_of(k))
        k += 1
    return result


def test_every_second_of_ten_frames_a_second() -> None:
    times = [100.0 * n for n in range(35)]
    assert sampled(times, grid()) == {0: 0, 10: 0, 20: 0, 30: 0}


def test_a_frame_just_before_a_point_does_not_serve_it() -> None:
    assert list(sampled([0.0, 999.999, 1000.001], grid())) == [0, 2]


def test_a_pause_is_sampled_once_and_the_grid_goes_on() -> None:
    assert list(sampled([0.0, 5300.0, 5900.0, 6000.0], grid())) == [0, 1, 3]


def test_start_and_end_bound_the_frames_themselves() -> None:
    times = [250.0 * n for n in range(20)]
    found = sampled(times, grid(start_seconds=0.6, end_seconds=2.5, every_seconds=1))
    assert [times[index] for index in found] == [750.0, 1750.0]


def test_a_sample_belongs_to_the_segment_of_its_grid_point() -> None:
    # The frame at 3100 ms serves the point at 2000 ms first, which lies in segment 0.
    assert sampled([0.0, 1000.0, 3100.0, 4000.0], grid(segment=3)) == {0: 0, 1: 0, 2: 0, 3: 1}


def test_nothing_can_be_sampled_from_the_end_on() -> None:
    sampler = Sampler(grid(end_seconds=2))
    assert not sampler.is_done(1999.999)
    assert sampler.is_done(2000.0)


@given(
    gaps=st.lists(st.integers(min_value=1, max_value=4_000_000), min_size=1, max_size=60),
    every=st.integers(min_value=1, max_value=5_000),
    start=st.integers(min_value=0, max_value=9_000),
    length=st.none() | st.integers(min_value=1, max_value=60_000),
    segment=st.integers(min_value=1_000, max_value=20_000),
)
def test_sampler_equals_the_definition(
    gaps: list[int], every: int, start: int, length: int | None, segment: int
) -> None:
    times_ms = [sum(gaps[:n]) / 1000 for n in range(len(gaps))]
    of = grid(
        every_seconds=every / 1000,
        start_seconds=start / 1000,
        end_seconds=None if length is None else (start + length) / 1000,
        segment=segment / 1000,
    )
    assert sampled(times_ms, of) == by_definition(times_ms, of)


@pytest.mark.parametrize("every", [0.1, 1 / 3, 1001 / 30000])
def test_grid_points_do_not_drift(every: float) -> None:
    of = grid(every_seconds=every)
    assert of.point_us(100_000) == 100_000 * round(every * 1_000_000)
