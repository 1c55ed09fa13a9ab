"""The tables of docs/cost.md are computed from its inputs, and a few are computed by hand here."""

import math
from dataclasses import replace

import pytest

from bench import cost_inputs, costs, video_work
from pipeline.resources.prices import AS_OF, REGION
from tests.support.clips import SAMPLE
from tests.support.cloudformation import DEFAULTS

TEXT = costs.PAGE.read_text()
DECODE, DEDUPE, ENCODE = 0.77 + 1.20 * 2.0736, 0.72 + 0.61 * 2.0736, 0.34 + 2.76 * 2.0736
DETECT = 21.3


def test_the_tables_are_the_computed_ones() -> None:
    assert costs.with_tables(TEXT) == TEXT, "run: python -m bench.costs"


def test_an_hour_by_hand() -> None:
    """With the inputs of the page. 3,008 MB are 1.7 CPUs, and one thread decodes."""
    hour = video_work.hour()
    decoding = 108_000 * DECODE / 1000
    cpu = decoding + 3600 * (DEDUPE + DETECT + ENCODE) / 1000
    assert hour.cpu_seconds == pytest.approx(cpu)
    assert hour.seconds(1769) == pytest.approx(2.8 + cpu + 22.5)
    assert hour.seconds(3008) == pytest.approx(2.8 + decoding + 22.5)
    assert hour.seconds(3538) == pytest.approx(2.8 + cpu / 2 + 22.5)
    found = hour.bill(3008)
    assert found.compute == pytest.approx((25.3 + decoding) * 3008 / 1024 * 0.0000166667)
    assert found.writes == pytest.approx((2 * 3600 + 23) * 0.000005)
    assert found.reads == pytest.approx((2.25e9 / 4 / 2**20 + 12) * 0.0000004, rel=1e-6)
    assert found.calls == pytest.approx(0.0000012)


def test_key_frames_decode_less_and_an_archive_has_few_requests() -> None:
    works = video_work.hours()
    each_second = f"{video_work.EACH_SECOND}, no images"
    saved = works["exact, no images"].cpu_seconds - works[each_second].cpu_seconds
    key = cost_inputs.measured(cost_inputs.KEY_EACH_SECOND)
    assert saved == pytest.approx(108 * DECODE - 3.6 * key)
    archive, none = (replace(video_work.hour(), images=each) for each in ("archive", "none"))
    # 1.58 GB in 95 parts, copied in 7
    assert archive.bill(3008).writes == pytest.approx((23 + 95 + 2 + 7 + 2) * 0.000005)
    assert works[each_second].bill(3008).reads == pytest.approx(3612 * 0.0000004)
    assert none.bill(3008).writes == pytest.approx(23 * 0.000005)
    assert archive.cpu_seconds - none.cpu_seconds == pytest.approx(3.6 * ENCODE)


def test_a_key_frame_each_2_seconds_by_hand() -> None:
    """Two grid points have one sample, so there are 1,800 of each; and the target of $0.005."""
    work = video_work.hours()["key frames each 2 s, images in one archive"]
    key = cost_inputs.measured(cost_inputs.KEY_EACH_2_SECONDS)
    image = cost_inputs.measured(cost_inputs.NOISY_IMAGE_BYTES)
    cpu = 1.8 * (key + DEDUPE + DETECT + ENCODE)
    seconds = 2.8 + cpu * 1769 / 3008 + 1800 * image / 1e8
    parts = math.ceil(1800 * image / 2**24)
    assert work.seconds(3008) == pytest.approx(seconds)
    found = work.bill(3008)
    assert found.compute == pytest.approx(seconds * 3008 / 1024 * 0.0000166667)
    # Less than 1 GB is copied in one request.
    assert found.writes == pytest.approx((23 + parts + 2 + 1) * 0.000005)
    assert found.reads == pytest.approx(1812 * 0.0000004)
    assert found.total < 0.005


def test_an_mkv_is_fetched_before_it_is_decoded_and_again() -> None:
    works = video_work.hours()
    mp4, mkv = (
        works[f"key frames each 2 s{name}, images in one archive"] for name in ("", ", of an mkv")
    )
    assert mkv.seconds(3008) - mp4.seconds(3008) == pytest.approx(2.25e9 / 80e6)
    assert mkv.bill(3008).reads == pytest.approx(
        (2 * 2.25e9 / 4 / 2**20 + 12) * 0.0000004, rel=1e-6
    )


@pytest.mark.parametrize(
    ("name", "megabytes"),
    [
        ("key frames each 2 s", 3008),
        ("key frames each second, a sample each 2 s", 3008),
        ("key frames each second", 1024),
        ("key frames each 2 s, of an mkv", 3008),
        ("key frames each 2 s, of an mkv", 1024),
    ],
)
def test_sentences_have_computed_figures(name: str, megabytes: int) -> None:
    _, _, section = TEXT.partition("### An hour for less than $0.005\n")
    total = video_work.hours()[f"{name}, images in one archive"].bill(megabytes).total
    assert f"${total:.4f}" in section.partition("\n## ")[0]


def test_the_page_names_the_date_of_the_prices_the_default_size_and_the_sample() -> None:
    text = " ".join(TEXT.split())
    assert f"Prices are those of {REGION} of {AS_OF}" in text
    assert DEFAULTS["MemoryMegabytes"] == costs.MEGABYTES
    assert f"({SAMPLE.stat().st_size:,} / 4,194,304 + 12)" in text
