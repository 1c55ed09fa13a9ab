"""The estimated cost of a run."""

from dataclasses import astuple

import pytest

from pipeline.resources.prices import WRITE, Rates, divided_bill


def test_a_divided_run_by_hand() -> None:
    """60 GB-seconds; 3 shards, so 5 invocations and 10 transitions; 400 images; 10 blocks."""
    found = divided_bill(Rates(1024), work_seconds=60, frames=400, fetches=10, shards=3)
    compute, writes = 60 * 0.0000166667, (400 + 3 + 0.4 + 30) * 0.000005
    reads, calls = (10 + 9 + 30) * 0.0000004, 5 * 0.0000002 + 10 * 0.000025 + 0.000001
    assert astuple(found) == pytest.approx((compute, writes, reads, calls))


def test_a_divided_run_with_an_archive_by_hand() -> None:
    """40 MiB of images: 3 parts and 9 requests around them, joined in 5 writes, copied in one."""
    found = divided_bill(
        Rates(1024), work_seconds=60, frames=400, fetches=0, shards=3, archive_bytes=40 * 2**20
    )
    assert found.writes == pytest.approx((3 + 9 + 5 + 1 + 3 + 30) * 0.000005)
    assert found.reads == pytest.approx((10 + 9 + 30) * 0.0000004)


def test_uploads_of_shards_in_parts_take_no_more_requests_than_are_counted() -> None:
    """6 shards of 17 MiB: each is begun, has 2 parts, and is ended. Joined: 7 parts, begun, ended.

    Copied in one request; a write for the result of each shard, and 30 others.
    """
    size_bytes = 6 * 17 * 2**20
    found = divided_bill(
        Rates(1024), work_seconds=0, frames=0, fetches=0, shards=6, archive_bytes=size_bytes
    )
    needed = 6 * 4 + 9 + 1 + 6 + 30
    assert needed <= round(found.writes / WRITE) <= needed + 6
