"""The tables of docs/scale.md are computed, and meet their targets."""

from pathlib import Path

import pytest

from bench import many_uploads, scale
from bench.many_uploads import Load
from bench.scale import Function, Video

PAGE = (Path(scale.__file__).parents[1] / "docs" / "scale.md").read_text()


@pytest.mark.parametrize(
    "table", [scale.divided_table, many_uploads.load_table, many_uploads.load_dollars_table]
)
def test_the_tables_are_the_computed_ones(table: object) -> None:
    assert callable(table)
    assert "\n".join(table()) in PAGE, "run: python -m bench.scale; python -m bench.many_uploads"


def test_ten_hours_take_ten_minutes_and_15_cents_of_compute_at_most() -> None:
    video = scale.divided(scale.TEN_HOURS, Function(), shards=60, workers=60)
    assert video.total_seconds <= 600
    assert video.bill.compute <= 0.15


def test_ten_hours_in_one_archive_take_ten_minutes_at_most() -> None:
    video = scale.divided(scale.TEN_HOURS, Function(), shards=60, workers=60, is_archived=True)
    assert video.total_seconds <= 600


def test_s3_slows_writers_down_until_all_is_written() -> None:
    """By hand: 3,600,000 images are written and copied; 3,500 a second is all S3 does."""
    course = many_uploads.simulate(Load(Video(hours=1)), Function())
    assert course.seconds >= 2 * 3_600_000 / 3500 * 0.95
    assert course.is_throttled


def test_invocations_beyond_the_quota_wait_for_others() -> None:
    few = many_uploads.simulate(Load(Video(hours=0.1, kept_share=0), videos=10), Function())
    many = many_uploads.simulate(
        Load(Video(hours=0.1, kept_share=0), videos=10, concurrency=5), Function()
    )
    assert not many.is_throttled
    assert many.seconds == pytest.approx(2 * few.seconds, rel=0.1)
