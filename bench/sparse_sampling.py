"""Measure sampling a frame every 10 seconds, and decoding all frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2

from bench import clips, stages
from bench.measuring import in_child, measure_rounds, show_progress, timed
from bench.results import Target, table
from bench.whole_job import run_job
from pipeline.config.schema import Config, SamplingConfig

if TYPE_CHECKING:
    from pathlib import Path

    from bench.measuring import Costs

ROUNDS = 3
SMALLEST_RATIO = 5
DENSE_SECONDS, SPARSE_SECONDS = 1, 10
_ALL = "plain OpenCV, all frames decoded"
_DECODE = f"stage `decode` alone, a frame every {SPARSE_SECONDS} s"
_DENSE_JOB = f"whole job, a frame every {DENSE_SECONDS} s"
_SPARSE_JOB = f"whole job, a frame every {SPARSE_SECONDS} s"
# For each row, the row that it is compared with.
_BASELINES = {_ALL: _ALL, _DECODE: _ALL, _DENSE_JOB: _DENSE_JOB, _SPARSE_JOB: _DENSE_JOB}


def measure() -> tuple[str, list[Target]]:
    """Return the table and the targets."""
    clip = in_child(clips.with_key_frames)
    show_progress(f"sparse sampling: {ROUNDS} rounds of a 5-minute video")
    rounds = measure_rounds((_measure_opencv, _measure_decode, _measure_jobs), clip, ROUNDS)
    rows = [
        (name, f"{rounds.seconds(name):.3f}", f"{rounds.ratio(baseline, name):.1f}")
        for name, baseline in _BASELINES.items()
    ]
    name = f"sparse: all frames decoded / a frame every {SPARSE_SECONDS} s"
    return (
        "### Sparse sampling\n\n5 minutes of 25 frames per second, with a key frame each "
        "second.\n\n" + table(("", "s", "times as fast"), rows),
        [Target(name, rounds.ratio(_ALL, _DECODE), SMALLEST_RATIO, is_minimum=True)],
    )


def _measure_opencv(clip: Path) -> Costs:
    return {_ALL: timed(lambda: _grab_all(clip))[1]}


def _measure_decode(clip: Path) -> Costs:
    return {_DECODE: timed(lambda: stages.decode(clip, _sampling(SPARSE_SECONDS)))[1]}


def _measure_jobs(clip: Path) -> Costs:
    return {
        _DENSE_JOB: timed(lambda: run_job(clip, _sampling(DENSE_SECONDS)))[1],
        _SPARSE_JOB: timed(lambda: run_job(clip, _sampling(SPARSE_SECONDS)))[1],
    }


def _sampling(every_seconds: float) -> Config:
    return Config(sampling=SamplingConfig(every_seconds=every_seconds))


def _grab_all(clip: Path) -> None:
    capture = cv2.VideoCapture(str(clip))
    while capture.grab():
        pass
    capture.release()
