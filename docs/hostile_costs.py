"""Compute what a hostile uploader can cost: the tables of docs/reliability.md.

`python -m docs.hostile_costs` prints them, for the defaults of template.yaml.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

from pipeline.resources.prices import (
    EVENT,
    GIGABYTE_SECOND,
    INVOCATION,
    LOG_GIGABYTE,
    READ,
    STORED_GIGABYTE_MONTH,
    WRITE,
)
from tests.e2e.template import read_template

HEADING = (
    "| attack | uploads an hour | compute | S3 requests | invocations, events, logs | an hour "
    "| storage of an hour, a month |"
)
ACCOUNT_QUOTA = 1000
"""Functions that an account runs at once, unless AWS raised or lowered it."""
MEGABYTES_FOR_A_CPU = 1769
HOUR = 3600
LOG_BYTES = 3000
"""Bytes that one invocation logs, with the lines of Lambda."""


@dataclass(frozen=True)
class Function:
    """What template.yaml gives the function."""

    megabytes: int
    seconds: int
    attempts: int
    queue_hours: float
    """How long Lambda keeps an event that waits for a free function."""

    @property
    def cpus(self) -> float:
        """Return the number of CPUs."""
        return self.megabytes / MEGABYTES_FOR_A_CPU

    @property
    def compute(self) -> float:
        """Return the dollars for one second of one function."""
        return self.megabytes / 1024 * GIGABYTE_SECOND


@dataclass(frozen=True)
class Attack:
    """What the uploads of an attack make one function do in one second."""

    name: str
    uploads: float
    writes: float
    reads: float
    stored_gigabytes: float = 0

    def requests(self) -> float:
        """Return the dollars for S3's requests, those of the uploads too, which the owner pays."""
        return (self.writes + self.uploads) * WRITE + self.reads * READ

    def rest(self) -> float:
        """Return the dollars for invocations, events and logs."""
        return self.uploads * (INVOCATION + EVENT + LOG_BYTES / 1e9 * LOG_GIGABYTE)


REJECTION_WRITES, REJECTION_READS = 7, 9
"""S3 requests for a file that is no video; tests/integration/handler/test_requests.py counts."""
REJECTION_SECONDS = 0.2
"""At best: 17 requests one after the other, at 10 ms each, and the work."""
SMALL_FRAMES, LARGE_FRAMES = 80, 10
"""Kept frames in a second of one CPU: 64 x 64, and 3840 x 2160 with noise; measured."""
LARGE_GIGABYTES = 0.060
"""Bytes of images in a second of one CPU, 3840 x 2160 with noise; measured."""
WRITES_FOR_A_FRAME = 2


def function_of_template() -> Function:
    """Return the function with the defaults of template.yaml."""
    template = read_template()
    default = {name: each.get("Default") for name, each in template["Parameters"].items()}
    retries = template["Resources"]["Retries"]["Properties"]
    return Function(
        megabytes=int(default["MemoryMegabytes"]),
        seconds=int(default["TimeoutSeconds"]),
        attempts=1 + int(retries["MaximumRetryAttempts"]),
        queue_hours=retries["MaximumEventAgeInSeconds"] / HOUR,
    )


def attacks(function: Function) -> list[Attack]:
    """Return the attacks, each at the greatest speed of the function."""
    rejections, endless = 1 / REJECTION_SECONDS, 1 / function.seconds
    small, large = SMALL_FRAMES * function.cpus, LARGE_FRAMES * function.cpus
    return [
        Attack("videos that take all the time", endless, 0, 0),
        Attack(
            "files that are no videos",
            rejections,
            rejections * REJECTION_WRITES,
            rejections * REJECTION_READS,
        ),
        Attack("small images that all differ", endless, small * WRITES_FOR_A_FRAME, 0),
        Attack(
            "large images with noise",
            endless,
            large * WRITES_FOR_A_FRAME,
            0,
            LARGE_GIGABYTES * function.cpus,
        ),
    ]


def dollars_a_second(attack: Attack, function: Function) -> float:
    """Return the dollars for one second of one function."""
    return function.compute + attack.requests() + attack.rest()


def attack_table(function: Function) -> list[str]:
    """Return the lines of the table: an hour of each attack, with the quota of functions."""
    scale = ACCOUNT_QUOTA * HOUR
    return [
        HEADING,
        "|---|---:|---:|---:|---:|---:|---:|",
        *(
            f"| {each.name} | {each.uploads * scale:,.0f} | ${function.compute * scale:,.0f} "
            f"| ${each.requests() * scale:,.0f} | ${each.rest() * scale:,.0f} "
            f"| ${dollars_a_second(each, function) * scale:,.0f} "
            f"| ${each.stored_gigabytes * scale * STORED_GIGABYTE_MONTH:,.0f} |"
            for each in attacks(function)
        ),
    ]


def bound_table(function: Function) -> list[str]:
    """Return the lines of the table: what the dearest attack costs at some concurrencies."""
    hour = max(dollars_a_second(each, function) for each in attacks(function)) * HOUR
    hours = 1 + function.queue_hours
    return [
        "| functions at once | an hour | with what waits in Lambda's queue then |",
        "|---|---:|---:|",
        *(
            f"| {count:,} | ${hour * count:,.0f} | ${hour * count * hours:,.0f} |"
            for count in (ACCOUNT_QUOTA, 100, 10, 2)
        ),
    ]


def dollars_an_upload(function: Function) -> float:
    """Return the dollars that one upload can cost at most, with all its attempts."""
    dearest = max(dollars_a_second(each, function) for each in attacks(function))
    return function.attempts * function.seconds * dearest


if __name__ == "__main__":
    deployed = function_of_template()
    lines = [
        *attack_table(deployed),
        "",
        *bound_table(deployed),
        "",
        f"${dollars_an_upload(deployed):.2f}",
    ]
    sys.stdout.write("\n".join(lines) + "\n")
