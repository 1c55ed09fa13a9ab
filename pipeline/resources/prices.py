"""What a video costs on AWS: the prices, and the formula of docs/operations.md, "Costs".

Estimates, reports and the documentation's bill of an attack take their prices from here.
"""

from __future__ import annotations

import math
import platform
from dataclasses import dataclass

REGION = "us-east-1"
AS_OF = "November 2026"
"""When the prices were entered. AWS's price lists are newer: docs/cost.md has their addresses."""

GIGABYTE_SECOND, ARM_SHARE, STORAGE_GIGABYTE_SECOND = 0.0000166667, 0.8, 0.0000000309
INVOCATION, WRITE, READ, EVENT = 0.0000002, 0.000005, 0.0000004, 0.000001
"""Dollars for one. A write is a PUT, a COPY, a LIST or a POST; a read is a GET or a HEAD."""

LOG_GIGABYTE, STORED_GIGABYTE_MONTH = 0.50, 0.023
"""Dollars for a gigabyte that is logged to CloudWatch, and for one that S3 keeps for a month."""

TRANSITION = 0.000025
"""Dollars for entering a state of Step Functions."""

TRANSITIONS_A_SHARD, TRANSITIONS_A_RUN = 2, 4
"""A shard enters one state, and its execution starts; the parent enters three, and starts."""

FREE_STORAGE_MEGABYTES = 512
WRITES_A_FRAME, WRITES_A_VIDEO, READS_A_VIDEO, BLOCK_BYTES = 2, 23, 12, 4 * 1024 * 1024
"""Requests of a result; tests/integration/handler/test_requests.py counts them."""

PART_BYTES = 16 * 1024 * 1024
"""An archive is written in such parts."""
LARGEST_COPY_BYTES, COPIED_PART_BYTES = 1_000_000_000, 250_000_000
"""An object of more bytes than the first number is copied in parts of the second."""

_MEGABYTES_A_GIGABYTE = 1024


@dataclass(frozen=True)
class Rates:
    """What a function has, which decides the price of a second of its work.

    Attributes:
        memory_megabytes: its memory.
        storage_megabytes: its space in /tmp.
        is_arm: whether it runs on arm64, which costs less.
    """

    memory_megabytes: int
    storage_megabytes: int = FREE_STORAGE_MEGABYTES
    is_arm: bool = False

    @property
    def dollars_a_second(self) -> float:
        """What one second of work costs."""
        compute = self.memory_megabytes * GIGABYTE_SECOND * (ARM_SHARE if self.is_arm else 1.0)
        storage = (self.storage_megabytes - FREE_STORAGE_MEGABYTES) * STORAGE_GIGABYTE_SECOND
        return (compute + storage) / _MEGABYTES_A_GIGABYTE


@dataclass(frozen=True)
class Bill:
    """What videos cost, in dollars, without the storage of their results.

    Attributes:
        compute: seconds of work, and space in /tmp beyond the free one.
        writes: objects written, copied and listed.
        reads: objects read.
        calls: requests of the function, and events.
    """

    compute: float
    writes: float
    reads: float
    calls: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.compute + self.writes + self.reads + self.calls


def bill(  # noqa: PLR0913 - each argument is another part of the bill
    rates: Rates,
    *,
    work_seconds: float,
    frames: float,
    fetches: float,
    videos: int = 1,
    archive_bytes: int | None = None,
) -> Bill:
    """Return what videos cost.

    Args:
        rates: the function that processes them.
        work_seconds: seconds of work for all of them.
        frames: number of images that are written.
        fetches: number of requests that read the videos: one for each `BLOCK_BYTES`, or for each
            range of key frames or distant samples.
        videos: their number.
        archive_bytes: size of the archive that has the images; None: each is a file of its own.
    """
    images = WRITES_A_FRAME * frames if archive_bytes is None else archive_writes(archive_bytes)
    return Bill(
        compute=work_seconds * rates.dollars_a_second,
        writes=(images + WRITES_A_VIDEO * videos) * WRITE,
        reads=(fetches + READS_A_VIDEO * videos) * READ,
        calls=videos * (INVOCATION + EVENT),
    )


def divided_bill(  # noqa: PLR0913 - each argument is another part of the bill
    rates: Rates,
    *,
    work_seconds: float,
    frames: float,
    fetches: float,
    shards: int,
    archive_bytes: int | None = None,
) -> Bill:
    """Return what one divided video costs: docs/scale.md has the formula.

    Args:
        rates: the function that processes its shards.
        work_seconds: seconds of work of all invocations.
        frames: number of images. Each is written once, and not copied.
        fetches: number of requests that read the video.
        shards: their number. Each is an invocation, beside the one that plans and the last one.
        archive_bytes: size of the archive that has the images; None: each is a file of its own.
            Each shard writes an archive, too, and the last step reads them.
    """
    images, joined = frames + frames / 1000, 0.0
    if archive_bytes is not None:
        # Each shard's begins, ends, and has one part more, because its last one is not full.
        of_shards = math.ceil(archive_bytes / PART_BYTES) + 3 * shards
        images = of_shards + archive_writes(archive_bytes)
        joined = archive_bytes / BLOCK_BYTES
    transitions = TRANSITIONS_A_SHARD * shards + TRANSITIONS_A_RUN
    return Bill(
        compute=work_seconds * rates.dollars_a_second,
        writes=(images + shards + 30) * WRITE,
        reads=(fetches + joined + 3 * shards + 30) * READ,
        calls=(shards + 2) * INVOCATION + transitions * TRANSITION + EVENT,
    )


def archive_writes(size_bytes: int) -> int:
    """Return how many requests write an archive and copy it, at most.

    An upload in parts has two requests more: one begins it, and one ends it. So has a copy in
    parts.
    """
    written = _requests(math.ceil(size_bytes / PART_BYTES))
    if size_bytes <= LARGEST_COPY_BYTES:
        return written + 1
    return written + _requests(math.ceil(size_bytes / COPIED_PART_BYTES))


def _requests(parts: int) -> int:
    return parts + 2 if parts > 1 else 1


def is_arm() -> bool:
    """Tell whether this process runs on arm64."""
    return platform.machine() in {"aarch64", "arm64"}
