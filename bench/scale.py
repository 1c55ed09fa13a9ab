"""What a long video takes on AWS, computed from measured inputs: the first table of docs/scale.md.

`python -m bench.scale` prints it. Seconds by stage are those of handler/work_estimate.py, whose
source is RESULTS.md. The rest are prices and quotas of AWS. Nothing here was run on AWS.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.cost_inputs import IMAGE_BYTES, measured
from handler.work_estimate import DECODE, DEDUPE, DETECT, ENCODE, MEGABYTES_FOR_A_CPU
from pipeline.resources.prices import BLOCK_BYTES, Rates, divided_bill

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.resources.prices import Bill

HOUR, FULL_HD_MEGAPIXELS = 3600, 2.0736

# -- Measured, or assumed where nothing was ------------------------------------------------------
COLD_START_SECONDS = 2.8
"""RESULTS.md, Cold start: INIT and the first video, until its model has run once."""
PLAN_SECONDS, INDEX_SECONDS = 5.0, 1.0
"""Assumed: reading the index of ten hours, and that of one shard's start, through S3."""
FINISH_SECONDS_A_SAMPLE, FINISH_SECONDS_A_KEPT = 0.000015, 0.00017
"""Merge, data files and report, for each sampled frame and each kept one: RESULTS.md, The merge."""
FINISH_SECONDS = 10.0
"""Assumed: cold start, reading the results of shards, writing and copying the data files."""
JOINED_BYTES_A_SECOND, COPIED_BYTES_A_SECOND = 60e6, 100e6
"""Assumed: what one function reads and writes at a time, and what S3 copies in parts."""


@dataclass(frozen=True)
class Video:
    """A video, and how it is sampled."""

    hours: float
    megapixels: float = FULL_HD_MEGAPIXELS
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
    def image_bytes(self) -> int:
        """Size of all images."""
        return round(self.kept * self.megapixels / FULL_HD_MEGAPIXELS * measured(IMAGE_BYTES))

    @property
    def size_bytes(self) -> int:
        """Size of the video."""
        return round(self.hours * HOUR * self.megabits * 1e6 / 8)

    @property
    def blocks(self) -> float:
        """Blocks that are read."""
        return self.size_bytes / BLOCK_BYTES

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


@dataclass(frozen=True)
class DividedVideo:
    """Seconds and dollars of one divided video."""

    shard_seconds: float
    total_seconds: float
    lambda_seconds: float
    bill: Bill


def divided(
    video: Video, function: Function, shards: int, workers: int, *, is_archived: bool = False
) -> DividedVideo:
    """Return what one video takes that is divided.

    Args:
        video: the video.
        function: the function.
        shards: number of its shards.
        workers: how many are worked on at once.
        is_archived: whether the images come into one archive.
    """
    shard = COLD_START_SECONDS + INDEX_SECONDS + video.cpu_seconds / function.cpus / shards
    finish = (
        FINISH_SECONDS
        + FINISH_SECONDS_A_SAMPLE * video.samples
        + FINISH_SECONDS_A_KEPT * video.kept
    )
    if is_archived:
        finish += video.image_bytes * (1 / JOINED_BYTES_A_SECOND + 1 / COPIED_BYTES_A_SECOND)
    rounds = -(-shards // workers)
    lambda_seconds = PLAN_SECONDS + shards * shard + finish
    return DividedVideo(
        shard_seconds=shard,
        total_seconds=PLAN_SECONDS + rounds * shard + finish,
        lambda_seconds=lambda_seconds,
        bill=divided_bill(
            Rates(function.megabytes),
            work_seconds=lambda_seconds,
            frames=video.kept,
            fetches=video.blocks,
            shards=shards,
            archive_bytes=video.image_bytes if is_archived else None,
        ),
    )


TEN_HOURS = Video(hours=10)


def divided_table() -> Iterator[str]:
    """Yield the lines of the table of a 10-hour video, by memory and number of workers."""
    yield "| MB | workers | s of a shard | minutes | compute | S3 writes | other requests | all |"
    yield "|---:|---:|---:|---:|---:|---:|---:|---:|"
    for megabytes, workers in ((1769, 60), (3008, 10), (3008, 30), (3008, 60)):
        video = divided(TEN_HOURS, Function(megabytes), 60, workers)
        bill = video.bill
        dollars = (bill.compute, bill.writes, bill.reads + bill.calls, bill.total)
        yield (
            f"| {megabytes} | {workers} | {video.shard_seconds:.0f} "
            f"| {video.total_seconds / 60:.1f} | "
            + " | ".join(f"${value:.3f}" for value in dollars)
            + " |"
        )


if __name__ == "__main__":
    sys.stdout.write("\n".join(divided_table()) + "\n")
