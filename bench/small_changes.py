"""Measure the deduplication of fixed cameras: small objects are kept, what says nothing is dropped.

`tests/support/small_events.py` and `disturbances.py` make the labelled footage.
"""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

import cv2

from bench import results
from bench.measuring import show_progress
from pipeline.config.schema import DedupeConfig
from tests.support.disturbances import DISTURBANCES, disturbances
from tests.support.scenes import encode_and_decode, select
from tests.support.small_events import small_events

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.support.scenes import Footage

SHARES = (0.01, 0.003, 0.001, 0.0005)
# Standard deviation of the sensor's noise at night, in levels. By day it is a fifth.
NOISES = (5, 25)
CRFS = (18, 30)
# One seed has 21 new frames of a kind. The limits were chosen with footage of other seeds.
SEEDS = (0, 1, 2)
LARGE, SMALL = (1280, 720), (640, 360)
LEAST = 0.95
WITHOUT = DedupeConfig(keep_small_changes=False)


class Decision(NamedTuple):
    """What is decided on one frame, after the first of its footage.

    Attributes:
        is_duplicate: whether it shows what an earlier frame shows.
        is_kept: whether it is kept.
        is_kept_without: whether it is kept with `keep_small_changes: false`.
    """

    is_duplicate: bool
    is_kept: bool
    is_kept_without: bool


def measure() -> str:
    """Measure, and return the section."""
    cv2.setNumThreads(1)
    return (
        f"## Small changes\n\n{results.date_and_processor()}. A person of the sample is cut "
        "out, reduced, and moves over three backgrounds:\na street, a texture and a yard. `noise` "
        "is the sensor's, in levels; by day it is a fifth. `without` is with\n"
        f"`dedupe.keep_small_changes: false`. Target: at least {LEAST}. Three seeds; the limits "
        "were chosen with footage\nof other seeds.\n\n"
        + "\n".join((kept_objects(*LARGE), dropped_duplicates(*SMALL)))
    )


def kept_objects(width: int, height: int) -> str:
    """Return the table of frames with an object at a new place that are kept."""
    rows = []
    for share in SHARES:
        for is_night in (False, True):
            for noise in NOISES:
                show_progress(f"{height} rows: objects of {share:.2%}, noise {noise}")
                takes = (
                    small_events(share, width, height, is_night=is_night, noise=noise, seed=seed)
                    for seed in SEEDS
                )
                by_crf = decide(chain.from_iterable(takes))
                everything = [each for crf in CRFS for each in by_crf[crf]]
                rows.append((
                    f"{share:.2%}", "night" if is_night else "day", str(noise),
                    *(cell(kept(by_crf[crf])) for crf in CRFS), cell(kept(everything)),
                    f"{kept_without(everything):.2f}", cell(dropped(everything)),
                ))  # fmt: skip
    titles = (
        "object", "light", "noise", *(f"crf {crf}" for crf in CRFS), "all", "all, without",
        "dropped",
    )  # fmt: skip
    return (
        f"Share of the frames with an object at a new place that are kept, {width} x {height}. "
        "`dropped`: share\nof the frames in which it stays, or is gone again, that are "
        "dropped:\n\n" + results.table(titles, rows)
    )


def dropped_duplicates(width: int, height: int) -> str:
    """Return the table of duplicates that are dropped."""
    rows = []
    for kind in DISTURBANCES:
        show_progress(f"{height} rows: {kind}")
        takes = (
            disturbances(kind, width, height, noise, seed) for noise in NOISES for seed in SEEDS
        )
        by_crf = decide(chain.from_iterable(takes))
        everything = [each for crf in CRFS for each in by_crf[crf]]
        rows.append((
            kind, *(cell(dropped(by_crf[crf])) for crf in CRFS), cell(dropped(everything)),
            f"{dropped_without(everything):.2f}",
        ))  # fmt: skip
    return (
        f"Share of the duplicates that are dropped, by day and by night, noise of {NOISES} "
        f"levels, {width} x {height}:\n\n"
        + results.table(
            ("disturbance", *(f"crf {crf}" for crf in CRFS), "all", "all, without"), rows
        )
    )


def decide(footages: Iterable[Footage]) -> dict[int, list[Decision]]:
    """Return the decisions on all frames, by the crf of H.264."""
    by_crf: dict[int, list[Decision]] = {crf: [] for crf in CRFS}
    with TemporaryDirectory() as folder:
        for footage in footages:
            for crf, decisions in by_crf.items():
                images = encode_and_decode(footage.images, crf, Path(folder) / "take.mp4")
                columns = (
                    footage.is_duplicate,
                    [record.is_kept for record in select(images)],
                    [record.is_kept for record in select(images, WITHOUT)],
                )
                decisions.extend(list(map(Decision, *columns))[1:])
    return by_crf


def kept(decisions: Iterable[Decision]) -> float:
    """Return the share of the new frames that are kept."""
    return fmean(each.is_kept for each in decisions if not each.is_duplicate)


def kept_without(decisions: Iterable[Decision]) -> float:
    """Return the same with `keep_small_changes: false`."""
    return fmean(each.is_kept_without for each in decisions if not each.is_duplicate)


def dropped(decisions: Iterable[Decision]) -> float:
    """Return the share of the duplicates that are dropped."""
    return fmean(not each.is_kept for each in decisions if each.is_duplicate)


def dropped_without(decisions: Iterable[Decision]) -> float:
    """Return the same with `keep_small_changes: false`."""
    return fmean(not each.is_kept_without for each in decisions if each.is_duplicate)


def cell(share: float) -> str:
    """Return a share; one that misses the target is bold."""
    return f"{share:.2f}" if share >= LEAST else f"**{share:.2f}**"


if __name__ == "__main__":
    results.run(measure, __doc__ or "")
