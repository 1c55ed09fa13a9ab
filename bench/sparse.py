"""What sampling a few frames takes, against decoding all of them."""  # noqa: INP001 - used by bench.pipeline

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2

from bench import clips, stages
from bench.measuring import in_child, rounds, say, timed
from bench.results import Target, table
from bench.whole_job import whole_job
from pipeline.config.schema import Config, SamplingConfig

if TYPE_CHECKING:
    from pathlib import Path

    from bench.measuring import Costs

ROUNDS = 3
LEAST = 5
DENSE_SECONDS, SPARSE_SECONDS = 1, 10
_ALL = "plain OpenCV, all frames decoded"
_DECODE = f"stage `decode` alone, a frame every {SPARSE_SECONDS} s"
_DENSE_JOB = f"whole job, a frame every {DENSE_SECONDS} s"
_SPARSE_JOB = f"whole job, a frame every {SPARSE_SECONDS} s"
# What is compared, and with what.
_AGAINST = {_ALL: _ALL, _DECODE: _ALL, _DENSE_JOB: _DENSE_JOB, _SPARSE_JOB: _DENSE_JOB}


def measured() -> tuple[str, list[Target]]:
    """Return the table, and what was aimed at."""
    clip = in_child(clips.with_key_frames)
    say(f"sparse sampling: {ROUNDS} rounds of a 5-minute video")
    costs = rounds((_plain, _decode, _jobs), clip, ROUNDS)
    rows = [
        (name, f"{costs.seconds(name):.3f}", f"{costs.ratio(other, name):.1f}")
        for name, other in _AGAINST.items()
    ]
    what = f"sparse: all frames decoded / a frame every {SPARSE_SECONDS} s"
    return (
        "### Sparse sampling\n\n5 minutes of 25 frames a second, a key frame each second.\n\n"
        + table(("", "s", "times as fast"), rows),
        [Target(what, costs.ratio(_ALL, _DECODE), LEAST, is_least=True)],
    )


def _plain(clip: Path) -> Costs:
    return {_ALL: timed(lambda: _decode_all(clip))[1]}


def _decode(clip: Path) -> Costs:
    return {_DECODE: timed(lambda: stages.decode(clip, _every(SPARSE_SECONDS)))[1]}


def _jobs(clip: Path) -> Costs:
    return {
        _DENSE_JOB: timed(lambda: whole_job(clip, _every(DENSE_SECONDS)))[1],
        _SPARSE_JOB: timed(lambda: whole_job(clip, _every(SPARSE_SECONDS)))[1],
    }


def _every(seconds: float) -> Config:
    return Config(sampling=SamplingConfig(every_seconds=seconds))


def _decode_all(clip: Path) -> None:
    capture = cv2.VideoCapture(str(clip))
    while capture.grab():
        pass
    capture.release()
