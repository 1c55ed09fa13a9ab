"""The estimated cost of a run."""

from dataclasses import astuple

import pytest

from bench import scale
from pipeline.resources.prices import BLOCK_BYTES, Rates, divided_bill


def test_a_divided_run_by_hand() -> None:
    """60 GB-seconds; 3 shards, so 5 invocations and 9 transitions; 400 images; 10 blocks."""
    found = divided_bill(
        Rates(1024), work_seconds=60, frames=400, size_bytes=10 * BLOCK_BYTES, shards=3
    )
    compute, writes = 60 * 0.0000166667, (400 + 3 + 0.4 + 30) * 0.000005
    reads, calls = (10 + 9 + 30) * 0.0000004, 5 * 0.0000002 + 9 * 0.000025 + 0.000001
    assert astuple(found) == pytest.approx((compute, writes, reads, calls))


def test_the_bill_of_a_divided_run_is_that_of_the_page_about_scale() -> None:
    page = scale.divided(scale.TEN_HOURS, scale.Function(3008), shards=60, workers=60)
    found = divided_bill(
        Rates(3008),
        work_seconds=page.lambda_seconds,
        frames=scale.TEN_HOURS.kept,
        size_bytes=round(scale.TEN_HOURS.blocks * BLOCK_BYTES),
        shards=60,
    )
    assert found.compute == pytest.approx(page.compute)
    assert found.writes == pytest.approx(page.writes)
    assert found.reads + found.calls == pytest.approx(page.rest)
