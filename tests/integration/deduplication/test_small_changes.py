"""Small objects before fixed cameras are kept, and what disturbs is dropped, after H.264."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING

import pytest

from pipeline.config.schema import DedupeConfig
from tests.support.disturbances import DISTURBANCES, disturbances
from tests.support.scenes import encode_and_decode, is_dropped, select
from tests.support.small_events import small_events

if TYPE_CHECKING:
    from pathlib import Path

WIDTH, HEIGHT = 640, 360
LEAST = 0.95
WITHOUT = DedupeConfig(keep_small_changes=False)


@pytest.mark.parametrize(
    ("share", "light", "noise"),
    [
        (0.0005, "day", 5), (0.0005, "night", 3), (0.001, "night", 5), (0.002, "night", 20),
        (0.01, "night", 5),
    ],
)  # fmt: skip
def test_a_person_is_kept_at_each_new_place_only(
    share: float, light: str, noise: float, tmp_path: Path
) -> None:
    kept, dropped, kept_without = [], [], []
    for footage in small_events(share, WIDTH, HEIGHT, is_night=light == "night", noise=noise):
        images = encode_and_decode(footage.images, 24, tmp_path / "clip.mp4")
        without = select(images, WITHOUT)
        for is_duplicate, drops, record in zip(
            footage.is_duplicate[1:], is_dropped(images)[1:], without[1:], strict=True
        ):
            if is_duplicate:
                dropped.append(drops)
            else:
                kept.append(not drops)
                kept_without.append(record.is_kept)
    # One error is allowed of each kind: more than 5 % of so few frames.
    assert (len(kept), len(dropped)) == (21, 15)
    assert kept.count(False) <= 1
    assert dropped.count(False) <= 1
    # The footage is one in which hashes and area means say too little.
    assert fmean(kept_without) < LEAST


@pytest.mark.parametrize("kind", DISTURBANCES)
def test_what_disturbs_is_no_small_change(kind: str) -> None:
    dropped, dropped_without = [], []
    for footage in disturbances(kind, 320, 180, noise=10):
        dropped += is_dropped(footage.images)[1:]
        dropped_without += [not each.is_kept for each in select(footage.images, WITHOUT)[1:]]
    assert sum(dropped) >= LEAST * sum(dropped_without) > 0
