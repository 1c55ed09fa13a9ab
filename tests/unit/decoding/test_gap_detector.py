"""What is missing, judged by the times of what is there."""

import random
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.decoding.gap_detector import GapDetector
from pipeline.decoding.header import HeaderInfo
from pipeline.runlog import Coverage, MissingRange


def coverage(
    times_ms: Iterable[float],
    failed: dict[float, int] | None = None,
    header: HeaderInfo | None = None,
    *,
    start_ms: float | None = None,
    read_past_end: bool = False,
) -> Coverage:
    gaps = GapDetector()
    for time_ms in times_ms:
        gaps.add_frame(time_ms, failed_grabs_before=(failed or {}).get(time_ms, 0))
    return gaps.finish(header or HeaderInfo(), start_ms=start_ms, read_past_end=read_past_end)


def test_a_regular_video_without_a_hole_is_whole() -> None:
    found = coverage([40.0 * n for n in range(1000)], header=HeaderInfo(40, 1000))
    assert found == Coverage(decoded=1000)
    assert found.share == 1


def test_holes_are_where_frames_were_due() -> None:
    times = [40.0 * n for n in range(1000) if not 100 <= n < 125 and n != 900]
    found = coverage(times)
    assert found.missing_ranges == (MissingRange(4000, 5000, 25), MissingRange(36_000, 36_040, 1))
    assert (found.decoded, found.lost, found.seconds_lost) == (974, 26, 1.04)
    assert found.share == 0.974
    assert [str(hole) for hole in found.missing_ranges] == ["4.000-5.000", "36.000-36.040"]


def test_times_in_whole_milliseconds_are_regular_all_the_same() -> None:
    assert coverage([round(1001 * n / 30) for n in range(700)]).lost == 0


def test_a_pause_in_an_irregular_video_is_no_hole_but_failed_grabs_are() -> None:
    gaps = [33, 500, 20, 90, 2500, 33, 140, 700] * 40
    times = [float(sum(gaps[:n])) for n in range(len(gaps))]
    assert coverage(times).lost == 0
    found = coverage(times, failed={times[100]: 3})
    assert found.missing_ranges == (MissingRange(times[99], times[100], 3),)


def test_heavy_damage_is_measured_by_the_rate_before_it() -> None:
    dice = random.Random(1)  # noqa: S311 - no secret
    times = [40.0 * n for n in range(1000) if n < 260 or dice.random() < 0.3]
    found = coverage(times, failed=dict.fromkeys(times[260:], 1))
    assert found.decoded < 600
    assert found.decoded + found.lost == round(times[-1] / 40) + 1


def test_frames_with_the_time_of_the_one_before_them_are_not_missing_later() -> None:
    times = [40.0 * n for n in range(300)]
    times[100] = times[101] = times[99]
    assert coverage(times).lost == 0


TWENTY_SECONDS = [40.0 * n for n in range(500)]


def test_an_index_that_leads_beyond_the_file_has_lost_the_end() -> None:
    found = coverage(TWENTY_SECONDS, header=HeaderInfo(60, 1500), read_past_end=True)
    assert (found.lost, found.missing_ranges) == (1000, (MissingRange(20_000, 60_000, 1000),))


def test_an_index_that_an_edit_list_shortens_has_lost_nothing() -> None:
    assert coverage(TWENTY_SECONDS, header=HeaderInfo(60, 1500)) == Coverage(decoded=500)


def test_all_that_an_index_lists_is_all() -> None:
    # A camera that skips a frame now and then: the index knows that there never was one.
    times = [33.3 * n for n in range(900) if n % 37]
    assert coverage(times).lost > 0
    assert coverage(times, header=HeaderInfo(30, len(times))) == Coverage(len(times))


@pytest.mark.parametrize(("claimed", "short"), [(20.5, 0), (60, 40), (None, 0)])
def test_a_claim_without_an_index_may_be_the_sounds(claimed: float | None, short: float) -> None:
    found = coverage(TWENTY_SECONDS, header=HeaderInfo(claimed))
    assert (found.lost, found.seconds_short) == (0, short)


def test_a_claim_may_count_from_before_the_first_frame() -> None:
    assert coverage(TWENTY_SECONDS, header=HeaderInfo(23.5), start_ms=3500).seconds_short == 0


def test_a_slower_rate_is_no_damage() -> None:
    fast = [1000 / 60 * n for n in range(600)]
    slow = [10_000 + 100.0 * n for n in range(300)]
    assert coverage([*fast, *slow]).lost < 10


def test_no_frame_and_one_frame() -> None:
    assert coverage([]).share == 1
    assert coverage([0.0], header=HeaderInfo(0.04, 1)) == Coverage(decoded=1)


def test_many_holes_are_counted_and_the_first_ones_told() -> None:
    found = coverage([40.0 * n for n in range(10_000) if n % 20])
    assert found.lost == 499
    assert len(found.missing_ranges) == 100


@given(st.sets(st.integers(1, 2998), max_size=60))
def test_all_that_is_taken_out_is_missed(taken: set[int]) -> None:
    found = coverage([40.0 * n for n in range(3000) if n not in taken])
    assert (found.decoded, found.lost) == (3000 - len(taken), len(taken))
    assert found.seconds_lost == pytest.approx(0.04 * len(taken))
