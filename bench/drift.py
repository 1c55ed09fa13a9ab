"""Compare real runs with a baseline of real runs: of the same camera, and of one that changed.

The sample is one camera. Ten parts of it are ten runs. Each is compared with the baseline of the
other nine, so none may count as drifted. Then the whole clip is changed, as a camera can change.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from bench import results
from bench.clips import SAMPLE_RATE, SAMPLE_SECONDS, sample_images
from bench.measuring import show_progress
from pipeline.dataset.result_sample import read_sample
from pipeline.drift.baseline import Baseline
from pipeline.drift.comparison import compare
from pipeline.drift.drift import Drift
from pipeline.storage.result_folder import ResultFolder
from tests.support import clips, runs

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.drift.sample import Sample
    from pipeline.frame import Image

PART_SECONDS = 3
_TITLES = (
    "run",
    "objects",
    "classes: index",
    "limit",
    "scores: index",
    "limit",
    "level",
    "drifted",
)


def _dark(image: Image) -> Image:
    """Return an image with a fifth of the light, and the noise of a sensor."""
    noise = np.random.default_rng(int(image.sum())).normal(0, 4, image.shape)
    return np.clip(image / 5 + noise, 0, 255).astype(np.uint8)


CHANGES: dict[str, Callable[[Image], Any]] = {
    "as it was, encoded again": lambda image: image,
    "upside down": lambda image: image[::-1, ::-1],
    "out of focus": lambda image: cv2.GaussianBlur(image, (0, 0), 6),
    "a fifth of the light": _dark,
}


def measure() -> str:
    """Run the parts and the changed clips, and return the section."""
    with tempfile.TemporaryDirectory() as folder:
        parts = [_part(Path(folder), start) for start in range(0, SAMPLE_SECONDS, PART_SECONDS)]
        rows = [
            _row(f"seconds {number * PART_SECONDS} to {(number + 1) * PART_SECONDS}", part, others)
            for number, part in enumerate(parts)
            for others in [Baseline.of([*parts[:number], *parts[number + 1 :]])]
        ]
        baseline = Baseline.of(parts)
        rows += [
            _row(f"whole clip, {name}", _changed(Path(folder), name), baseline) for name in CHANGES
        ]
    text = results.paragraph(
        f"{results.date_and_processor()}. Runs of {PART_SECONDS} s of the sample, each compared "
        "with the baseline of the other nine; and of the whole sample, changed as a camera can "
        "change, compared with the baseline of all ten."
    )
    return f"## Drift of real runs\n\n{text}{results.table(_TITLES, rows)}"


def _part(folder: Path, start: int) -> Sample:
    show_progress(f"drift: seconds {start} to {start + PART_SECONDS}")
    window = {"start_seconds": start, "end_seconds": start + PART_SECONDS}
    return _sample(folder, clips.SAMPLE, **window)


def _changed(folder: Path, name: str) -> Sample:
    show_progress(f"drift: {name}")
    originals = sample_images()
    height, width = originals[0].shape[:2]
    images = (np.ascontiguousarray(CHANGES[name](image)) for image in originals)
    path = folder / f"{name.replace(' ', '-')}.mp4"
    clips.write_clip(path, images, rate=SAMPLE_RATE, size=(width, height))
    return _sample(folder, path)


def _sample(folder: Path, video: Path, **sampling: float) -> Sample:
    outcome = runs.run(
        folder / "out",
        video,
        sampling={"every_seconds": 0.25, **sampling},
        dedupe={"method": "none"},
    )
    return read_sample(ResultFolder(runs.result_folder(outcome)))[1]


def _row(name: str, sample: Sample, baseline: Baseline) -> tuple[str, ...]:
    drift = compare(sample, baseline)
    if not isinstance(drift, Drift):
        return name, str(sample.objects), *["-"] * 5, drift.reason
    each = (drift.classes, drift.scores)
    figures = [f"{value:.2f}" for found in each for value in (found.index, found.limit)]
    verdict = "**yes**" if drift.is_drifted else "no"
    return name, str(drift.objects), *figures, f"{drift.level:.2f}", verdict


if __name__ == "__main__":
    results.run(measure, "Compare real runs with a baseline.")
