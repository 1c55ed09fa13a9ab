"""What many long videos take on AWS, computed from measured inputs: the tables of docs/scale.md.

`python -m bench.scale` prints them. Seconds by stage are those of handler/work_estimate.py, whose
source is RESULTS.md. The rest are prices and quotas of AWS. Nothing here was run on AWS.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
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

# -- Quotas, us-east-1 ---------------------------------------------------------------------------
CONCURRENCY = 1000
RAMP_A_SECOND = 100
"""New environments of one function: 1,000 in 10 seconds."""
WRITES_A_SECOND = 3500
"""S3 begins with this for a prefix, and divides a prefix that stays busy."""
OPEN_MAP_RUNS = 1000

# -- Measured, or assumed where nothing was ------------------------------------------------------
COLD_START_SECONDS = 2.8
"""RESULTS.md, Cold start: INIT and the first video, until its model has run once."""
PLAN_SECONDS, INDEX_SECONDS = 5.0, 1.0
"""Assumed: reading the index of ten hours, and that of one shard's start, through S3."""
FINISH_SECONDS_A_FRAME = 0.0005
"""Merge, data files and report, for each sampled frame: see RESULTS.md, Merge."""
FINISH_SECONDS = 10.0
COPIES_A_SECOND = 160.0
"""Eight at a time, 50 ms each: see pipeline/resources/time_limit.py."""
LONGEST_SECONDS = 900


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
    finish = FINISH_SECONDS + FINISH_SECONDS_A_FRAME * video.samples
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


# -- Many videos at once -------------------------------------------------------------------------


@dataclass(frozen=True)
class Load:
    """Uploads that come at once.

    Attributes:
        video: each of them.
        videos: their number.
        shards: of each; 1: one invocation does the video, and its images are copied at the end.
        concurrency: how many invocations run at once.
        prefixes: into how many parts S3 has divided the keys, each with its own rate.
    """

    video: Video
    videos: int = 1000
    shards: int = 1
    concurrency: int = CONCURRENCY
    prefixes: int = 1


@dataclass(frozen=True)
class Course:
    """How a load was worked off."""

    seconds: float
    longest_seconds: float
    writes_wanted: float
    is_throttled: bool


@dataclass
class _Cohort:
    """Invocations that began in the same second."""

    count: float
    work_seconds: float
    copies: float
    age: float = 0.0


def simulate(load: Load, function: Function) -> Course:
    """Work a load off, second by second; S3 slows all writers down alike when they are too many."""
    work = COLD_START_SECONDS + load.video.cpu_seconds / function.cpus / load.shards
    images = load.video.kept / load.shards
    waiting = float(load.videos * load.shards)
    running: list[_Cohort] = []
    limit = WRITES_A_SECOND * load.prefixes
    second, longest, most_wanted, is_throttled = 0, 0.0, 0.0, False
    while waiting > 0 or running:
        busy = sum(cohort.count for cohort in running)
        begin = min(waiting, RAMP_A_SECOND, load.concurrency - busy)
        if begin > 0:
            copies = images if load.shards == 1 else 0.0
            running.append(_Cohort(begin, work, copies))
            waiting -= begin
        working = sum(c.count for c in running if c.work_seconds > 0)
        copying = sum(c.count for c in running if c.work_seconds <= 0)
        wanted = working * images / work + copying * COPIES_A_SECOND
        most_wanted = max(most_wanted, wanted)
        pace = min(1.0, limit / wanted) if wanted else 1.0
        is_throttled |= pace < 1
        for cohort in running:
            cohort.age += 1
            if cohort.work_seconds > 0:
                cohort.work_seconds -= pace
            else:
                cohort.copies -= COPIES_A_SECOND * pace
        ended = [c for c in running if c.work_seconds <= 0 and c.copies <= 0]
        longest = max([longest, *(c.age for c in ended)])
        running = [c for c in running if c not in ended]
        second += 1
    finish = FINISH_SECONDS if load.shards > 1 else 0.0
    return Course(second + finish, longest, most_wanted, is_throttled)


def first_limit(load: Load, course: Course) -> str:
    """Return the first limit that a load reaches."""
    if course.longest_seconds > LONGEST_SECONDS:
        return "S3 writes of a prefix: invocations time out"
    if course.is_throttled:
        return "S3 writes of a prefix"
    if load.shards > 1 and load.videos > OPEN_MAP_RUNS:
        return "open map runs"
    if load.videos * load.shards > load.concurrency:
        return "concurrent invocations"
    return "none"


# -- Tables --------------------------------------------------------------------------------------

TEN_HOURS = Video(hours=10)
ONE_HOUR = Video(hours=1)


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


def load_table() -> Iterator[str]:
    """Yield the lines of the table of 1,000 uploads of an hour each."""
    yield (
        "| how | kept | S3 parts | at once | minutes | longest invocation, s | writes a second, "
        "wanted | first limit |"
    )
    yield "|---|---:|---:|---:|---:|---:|---:|---|"
    alone, six = Load(ONE_HOUR), Load(ONE_HOUR, shards=6)
    some = replace(ONE_HOUR, kept_share=0.2)
    for load in (
        alone,
        replace(alone, concurrency=200),
        replace(alone, prefixes=16),
        replace(alone, video=some),
        replace(alone, video=some, prefixes=4),
        six,
        replace(six, concurrency=200),
        replace(six, prefixes=16),
        replace(six, video=some),
    ):
        course = simulate(load, Function())
        how = "one invocation each" if load.shards == 1 else f"{load.shards} shards each"
        yield (
            f"| {how} | {load.video.kept_share:.0%} | {load.prefixes} | {load.concurrency:,} "
            f"| {course.seconds / 60:.0f} | {course.longest_seconds:.0f} "
            f"| {course.writes_wanted:,.0f} | {first_limit(load, course)} |"
        )


def load_dollars(video: Video, function: Function) -> dict[str, float]:
    """Return the dollars of 1,000 uploads that one invocation each does."""
    seconds = COLD_START_SECONDS + video.cpu_seconds / function.cpus + video.kept / COPIES_A_SECOND
    return {
        "compute": 1000 * function.compute(seconds),
        "images": 1000 * 2 * video.kept * WRITE,
        "rest": 1000 * ((video.blocks + 12) * READ + 21 * WRITE + INVOCATION + EVENT),
    }


def load_dollars_table() -> Iterator[str]:
    """Yield the lines of the table of what 1,000 uploads of an hour cost."""
    yield "| kept | compute | images, written and copied | rest | all |"
    yield "|---:|---:|---:|---:|---:|"
    for share in (1.0, 0.2):
        bill = load_dollars(replace(ONE_HOUR, kept_share=share), Function())
        figures = " | ".join(f"${value:.2f}" for value in (*bill.values(), sum(bill.values())))
        yield f"| {share:.0%} | {figures} |"


if __name__ == "__main__":
    for lines in (divided_table(), load_table(), load_dollars_table()):
        sys.stdout.write("\n".join(lines) + "\n\n")
