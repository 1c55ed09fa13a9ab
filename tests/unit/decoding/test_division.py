"""The division of a video into parts of whole segments."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.decoding.division import Division
from pipeline.decoding.sampling import SamplingGrid

SECOND = 1_000_000


def grid(
    every: float = 1, segment: float = 10, start: float = 0, end: float | None = None
) -> SamplingGrid:
    end_us = None if end is None else int(end * SECOND)
    return SamplingGrid(int(start * SECOND), int(every * SECOND), end_us, int(segment * SECOND))


def parts(division: Division, sampling: SamplingGrid, seconds: float) -> list[tuple[int, int]]:
    return list(division.later_parts(sampling, int(seconds * SECOND)))


def test_each_part_begins_with_the_first_grid_point_of_its_first_segment() -> None:
    division = Division(shard_seconds=20, most_shards=10)
    assert parts(division, grid(every=3), 65) == [
        (2, 21 * SECOND), (4, 42 * SECOND), (6, 60 * SECOND),
    ]  # fmt: skip


def test_parts_have_whole_segments() -> None:
    assert parts(Division(11, 10), grid(), 50) == [(2, 20 * SECOND), (4, 40 * SECOND)]


def test_of_a_long_video_parts_are_longer_rather_than_more() -> None:
    assert [first for first, _ in parts(Division(1, 3), grid(), 100)] == [4, 8]


def test_parts_begin_where_sampling_does_and_end_where_it_does() -> None:
    assert [first for first, _ in parts(Division(10, 99), grid(start=25, end=50), 100)] == [3, 4]


@pytest.mark.parametrize("seconds", [0, 5, 10])
def test_a_video_of_one_segment_has_one_part(seconds: float) -> None:
    assert parts(Division(1, 99), grid(), seconds) == []


@given(
    every=st.sampled_from([0.04, 0.5, 1, 7, 33]),
    segment=st.sampled_from([1, 2.5, 10, 600]),
    start=st.sampled_from([0, 0.3, 12]),
    seconds=st.floats(0, 500),
    shard_seconds=st.floats(0.1, 1000),
    most=st.integers(1, 50),
)
def test_there_are_never_too_many_parts_and_none_is_empty_by_its_grid(  # noqa: PLR0913, PLR0917
    every: float, segment: float, start: float, seconds: float, shard_seconds: float, most: int
) -> None:
    sampling = grid(every, segment, start)
    found = parts(Division(shard_seconds, most), sampling, seconds)
    assert len(found) < most or not found
    firsts = [first for first, _ in found]
    assert firsts == sorted(set(firsts))
    for first, point_us in found:
        assert point_us >= first * sampling.segment_us
        assert point_us - sampling.every_us < max(first * sampling.segment_us, sampling.start_us)
        assert point_us < seconds * SECOND
