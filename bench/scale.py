"""What a long video takes on AWS, computed from measured inputs: the first table of docs/scale.md.

`python -m bench.scale` prints it. Seconds by stage are those of handler/work_estimate.py, whose
source is RESULTS.md. The rest are prices and quotas of AWS. Nothing here was run on AWS.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from handler.work_estimate import DECODE, DEDUPE, DETECT, ENCODE, MEGABYTES_FOR_A_CPU
from pipeline.resources.prices import (
    GIGABYTE_SECOND,
    INVOCATION,
    TRANSITION,
    TRANSITIONS_A_RUN,
    TRANSITIONS_A_SHARD,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

WRITE, READ, EVENT = 0.000005, 0.0000004, 0.000001
HOUR = 3600

# -- Measured, or assumed where nothing was ------------------------------------------------------
COLD_START_SECONDS = 2.8
"""RESULTS.md, Cold start: INIT and the first video, until its model has run once."""
PLAN_SECONDS, INDEX_SECONDS = 5.0, 1.0
"""Assumed: reading the index of ten hours, and that of one shard's start, through S3."""
FINISH_SECONDS_A_SAMPLE, FINISH_SECONDS_A_KEPT = 0.000015, 0.00017
"""Merge, data files and report, for each sampled frame and each kept one: RESULTS.md, The merge."""
FINISH_SECONDS = 10.0
"""Assumed: cold start, reading the results of shards, writing and copying the data files."""


@dataclass(frozen=True)
class Video:
    """A video, and how it is sampled."""

    hours: float
    megapixels: float = 2.0736
    fps: float = 30.0
    every_seconds: float = 1.0
    kept_share: float = 1.0
    megabits: float = 5.0

    @property
    def samples(self) -> float:
        """Sampled frames."""
        return self.hours * HOUR / self.every_seconds

    @property
    def kept(self) -> float:
        """Kept frames, each an image."""
        return self.samples * self.kept_share

    @property
    def blocks(self) -> float:
        """Blocks of 4 MiB that are read."""
        return self.hours * HOUR * self.megabits * 1e6 / 8 / 4 / 2**20

    @property
    def cpu_seconds(self) -> float:
        """CPU seconds of all stages."""

        def each(stage: tuple[float, float]) -> float:
            return (stage[0] + stage[1] * self.megapixels) / 1000

        return (
            self.hours * HOUR * self.fps * each(DECODE)
            + self.samples * each(DEDUPE)
            + self.kept * (each(DETECT) + each(ENCODE))
        )


@dataclass(frozen=True)
class Function:
    """The function."""

    megabytes: int = 3008

    @property
    def cpus(self) -> float:
        """Number of CPUs."""
        return self.megabytes / MEGABYTES_FOR_A_CPU

    def compute(self, seconds: float) -> float:
        """Return the dollars for seconds of one function."""
        return seconds * self.megabytes / 1024 * GIGABYTE_SECOND


@dataclass(frozen=True)
class Bill:
    """Seconds and dollars of one divided video."""

    shard_seconds: float
    total_seconds: float
    lambda_seconds: float
    compute: float
    writes: float
    rest: float

    @property
    def all(self) -> float:
        """All dollars."""
        return self.compute + self.writes + self.rest


def divided(video: Video, function: Function, shards: int, workers: int) -> Bill:
    """Return what one video takes that is divided.

    Args:
        video: the video.
        function: the function.
        shards: number of its shards.
        workers: how many are worked on at once.
    """
    shard = COLD_START_SECONDS + INDEX_SECONDS + video.cpu_seconds / function.cpus / shards
    finish = (
        FINISH_SECONDS
        + FINISH_SECONDS_A_SAMPLE * video.samples
        + FINISH_SECONDS_A_KEPT * video.kept
    )
    rounds = -(-shards // workers)
    lambda_seconds = PLAN_SECONDS + shards * shard + finish
    transitions = TRANSITIONS_A_SHARD * shards + TRANSITIONS_A_RUN
    return Bill(
        shard_seconds=shard,
        total_seconds=PLAN_SECONDS + rounds * shard + finish,
        lambda_seconds=lambda_seconds,
        compute=function.compute(lambda_seconds),
        writes=(video.kept + shards + video.kept / 1000 + 30) * WRITE,
        rest=(video.blocks + 3 * shards + 30) * READ
        + (shards + 2) * INVOCATION
        + transitions * TRANSITION
        + EVENT,
    )


TEN_HOURS = Video(hours=10)


def divided_table() -> Iterator[str]:
    """Yield the lines of the table of a 10-hour video, by memory and number of workers."""
    yield "| MB | workers | s of a shard | minutes | compute | S3 writes | other requests | all |"
    yield "|---:|---:|---:|---:|---:|---:|---:|---:|"
    for megabytes, workers in ((1769, 60), (3008, 10), (3008, 30), (3008, 60)):
        bill = divided(TEN_HOURS, Function(megabytes), 60, workers)
        yield (
            f"| {megabytes} | {workers} | {bill.shard_seconds:.0f} | {bill.total_seconds / 60:.1f} "
            f"| ${bill.compute:.3f} | ${bill.writes:.3f} | ${bill.rest:.3f} | ${bill.all:.3f} |"
        )


if __name__ == "__main__":
    sys.stdout.write("\n".join(divided_table()) + "\n")
