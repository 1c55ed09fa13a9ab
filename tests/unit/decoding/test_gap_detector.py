"""Missing frames, which are found by gaps between presentation times."""

import random
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.coverage import Coverage, MissingRange
from pipeline.decoding.evidence import GapEvidence, HeaderEnd, KnownEnd
from pipeline.decoding.gap_detector import GapDetector
from pipeline.decoding.header import HeaderInfo


def coverage(
    times_ms: Iterable[float],
    failed_grabs: dict[float, int] | None = None,
    header: HeaderInfo | None = None,
    *,
    start_ms: float | None = None,
    read_past_end: bool = False,
) -> Coverage:
    """Return the coverage of frames at these times, of which nothing is known but the times.

    Args:
        times_ms: presentation times.
        failed_grabs: by time, the number of grabs that failed before.
        header: what the header says; None: nothing.
        start_ms, read_past_end: as in `HeaderEnd`.
    """
    detector = GapDetector()
    for time_ms in times_ms:
        failed = (failed_grabs or {}).get(time_ms, 0)
        detector.add_frame(time_ms, GapEvidence(may_miss=True, failed=failed))
    return detector.finish(HeaderEnd(start_ms, read_past_end), header or HeaderInfo())


def test_a_regular_video_without_gaps_is_complete() -> None:
    found = coverage([40.0 * n for n in range(1000)], header=HeaderInfo(40, 1000))
    assert found == Coverage(decoded=1000)
    assert found.share == 1


@pytest.mark.parametrize(("is_damaged", "lost"), [(True, 100), (False, 0)])
def test_half_of_the_frames_are_missing(*, is_damaged: bool, lost: int) -> None:
    detector = GapDetector()
    found = [0, 199, *random.Random(1).sample(range(1, 199), 98)]  # noqa: S311
    for number in sorted(found):
        detector.add_frame(40.0 * number, GapEvidence(may_miss=True, is_damaged=is_damaged))
    assert detector.finish(KnownEnd()).lost == lost


def test_irregular_gaps_are_no_loss_in_damaged_data() -> None:
    detector = GapDetector()
    gaps_ms = random.Random(1)  # noqa: S311
    time_ms = 0.0
    for _ in range(500):
        detector.add_frame(time_ms, GapEvidence(may_miss=True, is_damaged=True))
        time_ms += gaps_ms.uniform(20, 200)
    assert detector.finish(KnownEnd()).lost == 0


def test_a_gap_in_a_regular_video_is_a_missing_range() -> None:
    times = [40.0 * n for n in range(1000) if not 100 <= n < 125 and n != 900]
    found = coverage(times)
    assert found.missing_ranges == (MissingRange(4000, 5000, 25), MissingRange(36_000, 36_040, 1))
    assert (found.decoded, found.lost, found.seconds_lost) == (974, 26, 1.04)
    assert found.share == 0.974
    assert [str(missing) for missing in found.missing_ranges] == ["4.000-5.000", "36.000-36.040"]


def test_times_rounded_to_milliseconds_are_regular() -> None:
    assert coverage([round(1001 * n / 30) for n in range(700)]).lost == 0


IRREGULAR_GAPS = [33, 500, 20, 90, 2500, 33, 140, 700] * 40
IRREGULAR = [float(sum(IRREGULAR_GAPS[:n])) for n in range(len(IRREGULAR_GAPS))]


def test_a_pause_in_an_irregular_video_is_not_a_missing_range() -> None:
    assert coverage(IRREGULAR).lost == 0


def test_failed_grabs_in_an_irregular_video_are_a_missing_range() -> None:
    times = IRREGULAR
    found = coverage(times, failed_grabs={times[100]: 3})
    assert found.missing_ranges == (MissingRange(times[99], times[100], 3),)


def test_frames_missing_in_heavy_damage_are_counted_at_the_rate_before_it() -> None:
    seeded = random.Random(1)  # noqa: S311 - no secret
    times = [40.0 * n for n in range(1000) if n < 260 or seeded.random() < 0.3]
    found = coverage(times, failed_grabs=dict.fromkeys(times[260:], 1))
    assert found.decoded < 600
    assert found.decoded + found.lost == round(times[-1] / 40) + 1


def test_a_repeated_time_does_not_make_a_later_frame_missing() -> None:
    times = [40.0 * n for n in range(300)]
    times[100] = times[101] = times[99]
    assert coverage(times).lost == 0


TWENTY_SECONDS = [40.0 * n for n in range(500)]


def test_the_end_is_missing_if_the_index_leads_past_the_end_of_the_file() -> None:
    found = coverage(TWENTY_SECONDS, header=HeaderInfo(60, 1500), read_past_end=True)
    assert (found.lost, found.missing_ranges) == (1000, (MissingRange(20_000, 60_000, 1000),))


def test_an_edit_list_that_shortens_the_video_makes_no_frame_missing() -> None:
    assert coverage(TWENTY_SECONDS, header=HeaderInfo(60, 1500)) == Coverage(decoded=500)


def test_no_frame_is_missing_if_all_frames_of_the_index_were_decoded() -> None:
    # The camera skipped a frame now and then. The index shows that these frames never existed.
    times = [33.3 * n for n in range(900) if n % 37]
    assert coverage(times).lost > 0
    assert coverage(times, header=HeaderInfo(30, len(times))) == Coverage(len(times))


@pytest.mark.parametrize(("header_seconds", "short"), [(20.5, 0), (60, 40), (None, 0)])
def test_a_length_without_an_index_may_be_that_of_the_sound(
    header_seconds: float | None, short: float
) -> None:
    found = coverage(TWENTY_SECONDS, header=HeaderInfo(header_seconds))
    assert (found.lost, found.seconds_short) == (0, short)


def test_a_length_may_count_from_before_the_first_frame() -> None:
    assert coverage(TWENTY_SECONDS, header=HeaderInfo(23.5), start_ms=3500).seconds_short == 0


def test_a_change_to_a_slower_rate_is_not_a_missing_range() -> None:
    fast = [1000 / 60 * n for n in range(600)]
    slow = [10_000 + 100.0 * n for n in range(300)]
    assert coverage([*fast, *slow]).lost < 10


def test_a_video_of_one_frame_is_complete() -> None:
    assert coverage([0.0], header=HeaderInfo(0.04, 1)) == Coverage(decoded=1)


def test_the_share_without_frames_is_1() -> None:
    assert coverage([]).share == 1


def test_all_missing_ranges_are_counted_and_the_first_100_are_listed() -> None:
    found = coverage([40.0 * n for n in range(10_000) if n % 20])
    assert found.lost == 499
    assert len(found.missing_ranges) == 100


@given(st.sets(st.integers(1, 2998), max_size=60))
def test_every_removed_frame_is_missing(removed: set[int]) -> None:
    found = coverage([40.0 * n for n in range(3000) if n not in removed])
    assert (found.decoded, found.lost) == (3000 - len(removed), len(removed))
    assert found.seconds_lost == pytest.approx(0.04 * len(removed))


def known(
    times_ms: Iterable[float],
    evidence: dict[float, GapEvidence] | None = None,
    end: KnownEnd | None = None,
) -> Coverage:
    """Return the coverage of frames whose packets are known; `evidence` is that before a time."""
    detector = GapDetector()
    for time_ms in times_ms:
        detector.add_frame(time_ms, (evidence or {}).get(time_ms, GapEvidence()))
    return detector.finish(end or KnownEnd())


@given(st.lists(st.integers(1, 10**7), min_size=1, max_size=400))
def test_no_gap_alone_is_a_loss_where_the_packets_are_known(gaps_ms: list[int]) -> None:
    times = [float(sum(gaps_ms[:n])) for n in range(len(gaps_ms) + 1)]
    assert known(times) == Coverage(decoded=len(times))


def test_a_gap_in_damaged_data_is_a_missing_range_and_a_pause_is_not() -> None:
    times = [40.0 * n for n in range(500) if not 100 <= n < 125 and not 300 <= n < 400]
    found = known(times, {5000.0: GapEvidence(may_miss=True)})
    assert found.missing_ranges == (MissingRange(4000, 5000, 25),)
    assert found.lost == 25


def test_damage_without_a_gap_lost_no_frame() -> None:
    damaged = {time: GapEvidence(may_miss=True) for time in TWENTY_SECONDS}
    assert known(TWENTY_SECONDS, damaged) == Coverage(decoded=500)


def test_damaged_packets_in_a_gap_count_without_a_regular_rate() -> None:
    found = known(IRREGULAR, {IRREGULAR[100]: GapEvidence(lost=3)})
    assert found.missing_ranges == (MissingRange(IRREGULAR[99], IRREGULAR[100], 3),)


def test_a_frame_that_comes_late_is_not_missing() -> None:
    times = [40.0 * n for n in range(100) if not 50 <= n < 54]
    found = known(times, {2160.0: GapEvidence(lost=4), 2200.0: GapEvidence(late=1)})
    assert found.missing_ranges == (MissingRange(2000, 2160, 3),)


def test_packets_that_were_lost_before_the_first_frame_are_a_range_before_0() -> None:
    found = known(TWENTY_SECONDS, {0.0: GapEvidence(lost=5, lead_ms=200)})
    assert found.missing_ranges == (MissingRange(-200, 0, 5),)


@pytest.mark.parametrize(
    ("end", "lost", "short"),
    [
        (KnownEnd(lost=5, unread=20, is_damaged=True), 25, 0),
        (KnownEnd(short_ms=4000, is_damaged=True), 100, 0),
        (KnownEnd(lost=1, short_ms=80, is_damaged=True), 3, 0),
        (KnownEnd(left_share=0.5, is_damaged=True), 250, 0),
        (KnownEnd(left_share=0.01, is_damaged=True), 0, 0),  # padding
        (KnownEnd(left_share=0.5), 0, 0),
        (KnownEnd(short_ms=4000), 0, 4),
        (KnownEnd(short_ms=900), 0, 0),
    ],
)
def test_the_end_is_missing_if_it_is_damaged(end: KnownEnd, lost: int, short: float) -> None:
    found = known(TWENTY_SECONDS, end=end)
    assert (found.lost, found.seconds_short) == (lost, short)
    assert [missing.frames for missing in found.missing_ranges] == [lost] * bool(lost)
