"""The tables of docs/cost.md are computed from its inputs, and a few are computed by hand here."""

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
    saved = works["exact, no images"].cpu_seconds - works["key frames, no images"].cpu_seconds
    assert saved == pytest.approx(108 * DECODE - 3.6 * cost_inputs.measured(cost_inputs.KEY_FRAME))
    archive, none = (replace(video_work.hour(), images=each) for each in ("archive", "none"))
    # 1.58 GB in 95 parts, copied in 7
    assert archive.bill(3008).writes == pytest.approx((23 + 95 + 2 + 7 + 2) * 0.000005)
    key = works["key frames, images in one archive"]
    assert key.bill(3008).reads == pytest.approx(3612 * 0.0000004)
    assert none.bill(3008).writes == pytest.approx(23 * 0.000005)
    assert archive.cpu_seconds - none.cpu_seconds == pytest.approx(3.6 * ENCODE)


def test_the_page_names_the_date_of_the_prices_the_default_size_and_the_sample() -> None:
    text = " ".join(TEXT.split())
    assert f"Prices are those of {REGION} of {AS_OF}" in text
    assert DEFAULTS["MemoryMegabytes"] == costs.MEGABYTES
    assert f"({SAMPLE.stat().st_size:,} / 4,194,304 + 12)" in text
