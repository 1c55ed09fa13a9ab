"""Hours and dollars from a sample of headers."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.deployment.estimate import Estimate
from pipeline.deployment.function import Function
from pipeline.deployment.lengths import Lengths, extrapolate
from pipeline.storage.s3.versions import Total

FUNCTION = Function("f", 2048, 900, 512, is_arm=False, suffixes=(".mp4",))


def test_equal_rates_give_an_exact_estimate() -> None:
    lengths = extrapolate(Total(100, 1_000_000), [(1000, 10.0), (3000, 30.0)])
    assert (lengths.videos, lengths.size_bytes, lengths.headers) == (100, 1_000_000, 2)
    assert lengths.seconds == pytest.approx(10_000)
    assert lengths.margin_seconds == pytest.approx(0)
    assert lengths.seconds_of(5000) == pytest.approx(50)


def test_a_sample_of_all_has_no_margin() -> None:
    lengths = extrapolate(Total(2, 4000), [(1000, 20.0), (3000, 10.0)])
    assert lengths.seconds == pytest.approx(30)
    assert lengths.margin_seconds == 0


def test_known_margin() -> None:
    # Rate 30 / 4000; residuals 12.5 and -12.5; 2 * 10 * sqrt(0.8 * 312.5 / 1 / 2).
    lengths = extrapolate(Total(10, 20_000), [(1000, 20.0), (3000, 10.0)])
    assert lengths.seconds == pytest.approx(150)
    assert lengths.margin_seconds == pytest.approx(223.607, abs=0.001)


def test_without_headers_the_usual_rate_counts() -> None:
    assert extrapolate(Total(3, 5_000_000), []) == Lengths(3, 5_000_000, 10.0, None, 0)
    assert extrapolate(Total(0, 0), []).seconds_of(1) == 0
    assert extrapolate(Total(3, 300), [(0, 0.0), (0, 0.0)]).seconds > 0


def test_the_margin_holds_nineteen_times_out_of_twenty() -> None:
    numbers = random.Random(1)  # noqa: S311 - the same numbers each time
    videos = [
        (size := numbers.randint(10, 1000), size * numbers.uniform(0.2, 2)) for _ in range(800)
    ]
    total = Total(len(videos), sum(size for size, _ in videos))
    truth = sum(seconds for _, seconds in videos)
    hits = 0
    for _ in range(400):
        lengths = extrapolate(total, numbers.sample(videos, 20))
        assert lengths.margin_seconds is not None
        hits += abs(lengths.seconds - truth) <= lengths.margin_seconds
    assert 0.88 < hits / 400 < 0.99


def test_dollars_by_the_formula_of_the_documentation() -> None:
    lengths = Lengths(10, 40 * 2**20, 3600.0, None, 0)
    estimate = Estimate(FUNCTION, lengths, 0.5)
    compute, storage = 1800 * 2 * 0.0000166667, 0.0
    requests = (2 * 3600 + 230) * 0.000005 + (10 + 120) * 0.0000004 + 10 * 0.0000012
    assert estimate.dollars == pytest.approx(compute + storage + requests)
    arm = Function("f", 2048, 900, 1536, is_arm=True, suffixes=())
    on_arm = Estimate(arm, lengths, 0.5).dollars
    assert on_arm == pytest.approx(compute * 0.8 + 1800 * 0.0000000309 + requests)


@given(st.integers(0, 10**12))
def test_one_video_works_no_longer_than_the_time_out(size_bytes: int) -> None:
    estimate = Estimate(FUNCTION, Lengths(1, 1000, 10.0, None, 0), 0.1)
    assert 0 <= estimate.work_seconds_of(size_bytes) <= FUNCTION.timeout_seconds
