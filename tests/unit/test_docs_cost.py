"""The tables of docs/cost.md are computed from its inputs, and a few are computed by hand here."""

import pytest

from bench import costs
from bench.cost_inputs import KEY_FRAME, measured
from bench.costs import Hour
from pipeline.resources.prices import AS_OF, REGION

TEXT = costs.PAGE.read_text()


def test_the_tables_are_the_computed_ones() -> None:
    assert costs.with_tables(TEXT) == TEXT, "run: python -m bench.costs"


def test_an_hour_by_hand() -> None:
    """With the inputs of the page: 1080p has 2.0736 megapixels, 3,008 MB are 1.7 CPUs."""
    decode, dedupe = 0.77 + 1.20 * 2.0736, 0.72 + 0.61 * 2.0736
    detect, encode = 21.3, 0.34 + 2.76 * 2.0736
    cpu = (108_000 * decode + 3600 * (dedupe + detect + encode)) / 1000
    seconds = 2.8 + cpu / (3008 / 1769) + 3600 / 160
    hour = Hour("exact")
    assert hour.cpu_seconds == pytest.approx(cpu)
    assert hour.seconds == pytest.approx(seconds)
    assert hour.bill.compute == pytest.approx(seconds * 3008 / 1024 * 0.0000166667)
    assert hour.bill.writes == pytest.approx((2 * 3600 + 23) * 0.000005)
    blocks = 3600 * 5e6 / 8 / 4 / 2**20
    assert hour.bill.reads == pytest.approx((blocks + 12) * 0.0000004, rel=1e-6)
    assert hour.bill.calls == pytest.approx(0.0000012)


def test_key_frames_decode_less_and_an_archive_has_few_requests() -> None:
    exact, key = Hour("exact"), Hour("key", key_frames=True)
    saved = exact.cpu_seconds - key.cpu_seconds
    key_ms = measured(KEY_FRAME)
    assert saved == pytest.approx(108 * (0.77 + 1.20 * 2.0736) - 3.6 * key_ms)
    images = Hour("archive", images="archive")
    # 1.57 GB in 94 parts, copied in 7
    assert images.bill.writes == pytest.approx((23 + 2 + 94 + 2 + 7) * 0.000005)
    assert Hour("none", images="none").bill.writes == pytest.approx(23 * 0.000005)


def test_the_page_names_the_date_of_the_prices() -> None:
    assert f"Prices are those of {REGION} of {AS_OF}" in " ".join(TEXT.split())
