"""What happens when many videos come at once on AWS: the other tables of docs/scale.md.

`python -m bench.many_uploads` prints them. The load is worked off second by second, within quotas
of AWS. Nothing here was run on AWS.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bench.scale import COLD_START_SECONDS, FINISH_SECONDS, Function, Video
from pipeline.resources.prices import WRITE, WRITES_A_FRAME, Rates, bill

if TYPE_CHECKING:
    from collections.abc import Iterator

# -- Quotas, us-east-1 ---------------------------------------------------------------------------
CONCURRENCY = 1000
RAMP_A_SECOND = 100
"""New environments of one function: 1,000 in 10 seconds."""
WRITES_A_SECOND = 3500
"""S3 begins with this for a prefix, and divides a prefix that stays busy."""
OPEN_MAP_RUNS = 1000
COPIES_A_SECOND = 160.0
"""Eight at a time, 50 ms each: see pipeline/resources/time_limit.py."""
LONGEST_SECONDS = 900

ONE_HOUR = Video(hours=1)


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
    found = bill(
        Rates(function.megabytes),
        work_seconds=1000 * seconds,
        frames=1000 * video.kept,
        fetches=1000 * video.blocks,
        videos=1000,
    )
    images = 1000 * WRITES_A_FRAME * video.kept * WRITE
    rest = found.writes - images + found.reads + found.calls
    return {"compute": found.compute, "images": images, "rest": rest}


def load_dollars_table() -> Iterator[str]:
    """Yield the lines of the table of what 1,000 uploads of an hour cost."""
    yield "| kept | compute | images, written and copied | rest | all |"
    yield "|---:|---:|---:|---:|---:|"
    for share in (1.0, 0.2):
        dollars = load_dollars(replace(ONE_HOUR, kept_share=share), Function())
        values = (*dollars.values(), sum(dollars.values()))
        figures = " | ".join(f"${value:.2f}" for value in values)
        yield f"| {share:.0%} | {figures} |"


if __name__ == "__main__":
    for lines in (load_table(), load_dollars_table()):
        sys.stdout.write("\n".join(lines) + "\n\n")
