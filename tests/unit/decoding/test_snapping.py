"""Samples that are moved to key frames, compared with a direct implementation of the definition."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.decoding.packet_index import PacketIndex
from pipeline.decoding.sampling import Sampler, SamplingGrid
from pipeline.decoding.snapping import KeyFrameTargets
from pipeline.decoding.targets import later_key_frames

SECOND = 1_000_000


def grid_of(every_us: int = SECOND, start_us: int = 0, end_us: int | None = None) -> SamplingGrid:
    return SamplingGrid(start_us, every_us, end_us, 600 * SECOND, snap="key")


def index_of(times_us: list[int], keys: list[int]) -> PacketIndex:
    return PacketIndex(array("d", (time / 1000 for time in times_us)), array("q", keys))


def sampled(packets: PacketIndex, grid: SamplingGrid) -> dict[int, int]:
    """Return the first grid point of each sample, by frame index, in the order of decoding."""
    targets, sampler = KeyFrameTargets(packets, grid), Sampler(grid)
    found: dict[int, int] = {}
    while (target := targets.at(sampler.next_us)) is not None:
        point = sampler.next_us
        if sampler.segment_for(packets.pts_ms(target.index), target.until_ms) is None:
            break
        assert target.index not in found
        found[target.index] = point
    return found


def sample_of(
    point: int, times: list[int], keys: list[int], grid: SamplingGrid, end: int
) -> int | None:
    """Return the sample of one grid point: the nearest key frame, or the first frame after it."""
    near = [key for key in keys if grid.start_us <= times[key] < end]
    before = max((key for key in near if times[key] <= point), default=None)
    after = min((key for key in near if times[key] > point), default=None)
    low = grid.start_us if before is None else times[before]
    high = end - 1 if after is None else times[after]
    candidates = [key for key in (before, after) if key is not None]
    if high - low > 2 * grid.every_us:
        half = grid.every_us // 2
        candidates = [key for key in candidates if abs(times[key] - point) <= half]
        exact = [index for index, time in enumerate(times) if time >= point]
        candidates = candidates or exact[:1]
    return min(candidates, key=lambda key: (abs(times[key] - point), key), default=None)


def expected(times: list[int], keys: list[int], grid: SamplingGrid) -> dict[int, int]:
    end = times[-1] + 1 if grid.end_us is None else min(times[-1] + 1, grid.end_us)
    found: dict[int, int] = {}
    for point in range(grid.start_us, end, grid.every_us):
        index = sample_of(point, times, keys, grid, end)
        if index is None:  # no key frame in a short range: the exact sample
            index = next(at for at, time in enumerate(times) if time >= point)
        if times[index] >= end:
            break
        found.setdefault(index, point)
    return found


@given(
    gaps=st.lists(st.integers(1_000, 3 * SECOND), min_size=1, max_size=60),
    spacing=st.integers(1, 30),
    every_us=st.integers(100_000, 4 * SECOND),
    start_us=st.integers(0, 5 * SECOND),
    length_us=st.none() | st.integers(1, 30 * SECOND),
)
def test_samples_follow_the_definition(
    gaps: list[int], spacing: int, every_us: int, start_us: int, length_us: int | None
) -> None:
    times = [sum(gaps[:count]) for count in range(len(gaps))]
    keys = list(range(0, len(times), spacing))
    end_us = None if length_us is None else start_us + length_us
    grid = grid_of(every_us, start_us, end_us)
    assert sampled(index_of(times, keys), grid) == expected(times, keys, grid)


def test_key_frames_as_far_apart_as_samples_are_the_samples() -> None:
    times = [40_000 * number for number in range(250)]
    found = sampled(index_of(times, list(range(0, 250, 25))), grid_of())
    assert found == {25 * number: SECOND * number for number in range(10)}


def test_a_sample_is_moved_to_the_nearest_key_frame_before_or_after() -> None:
    times = [100_000 * number for number in range(40)]
    assert sampled(index_of(times, [0, 9, 21, 29]), grid_of()) == {
        0: 0,
        9: SECOND,
        21: 2 * SECOND,
        29: 3 * SECOND,
    }


def test_of_two_key_frames_as_near_the_earlier_one_is_the_sample() -> None:
    times = [100_000 * number for number in range(40)]
    assert list(sampled(index_of(times, [0, 20]), grid_of())) == [0, 20]


@pytest.mark.parametrize(("apart", "indexes"), [(20, [0, 20]), (21, [0, 10, 21])])
def test_samples_are_never_more_than_two_intervals_apart(apart: int, indexes: list[int]) -> None:
    times = [100_000 * number for number in range(39)]
    assert list(sampled(index_of(times, [0, apart]), grid_of())) == indexes


def test_key_frames_before_the_start_are_no_samples() -> None:
    times = [100_000 * number for number in range(60)]
    packets = index_of(times, [0, 19, 38, 57])
    assert list(sampled(packets, grid_of(start_us=2 * SECOND, end_us=5 * SECOND))) == [38]


def test_the_note_says_how_far_key_frames_are_apart() -> None:
    times = [100_000 * number for number in range(100)]
    assert KeyFrameTargets(index_of(times, list(range(0, 100, 10))), grid_of()).note() is None
    shared = KeyFrameTargets(index_of(times, list(range(0, 100, 20))), grid_of()).note()
    assert shared is not None
    assert "up to 2.0 s apart, so 10 grid points have 5 samples" in shared
    between = KeyFrameTargets(index_of(times, [0, 50]), grid_of()).note()
    assert between is not None
    assert "so 8 of 10 samples are no key frames" in between
    assert "set sampling.every_seconds to 2.5 or more" in between


@pytest.mark.parametrize(
    ("keys", "every_us", "indexes"),
    [
        ([0, 20, 40, 60, 80], SECOND, [20, 40, 60, 80]),
        ([0, 20, 40, 60, 80], 4 * SECOND, [40, 80]),
        ([0, 20, 90], SECOND, [20]),  # and then frames between key frames
    ],
)
def test_the_key_frames_that_are_later_samples(
    keys: list[int], every_us: int, indexes: list[int]
) -> None:
    grid = grid_of(every_us)
    targets = KeyFrameTargets(index_of([100_000 * number for number in range(100)], keys), grid)
    assert list(later_key_frames(targets, targets.at(0), grid, None)) == indexes
    assert list(later_key_frames(targets, None, grid, None)) == []


@given(keys=st.sets(st.integers(1, 99)), every_us=st.integers(100_000, 4 * SECOND))
def test_later_key_frames_are_sampled_next(keys: set[int], every_us: int) -> None:
    times = [100_000 * number for number in range(100)]
    packets, grid = index_of(times, [0, *sorted(keys)]), grid_of(every_us)
    targets = KeyFrameTargets(packets, grid)
    found = list(later_key_frames(targets, targets.at(0), grid, None))
    samples = list(sampled(packets, grid))[1:]
    assert found == samples[: len(found)]
    assert len(found) == len(samples) or samples[len(found)] not in keys
