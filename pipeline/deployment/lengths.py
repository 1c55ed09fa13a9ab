"""How long the videos of a bucket are, by the headers of a few of them.

Only headers say how long videos are, and to read all of them would take long. So the headers of a
random sample are read, and the seconds of all videos follow from their bytes.
"""

from __future__ import annotations

import heapq
import math
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.config.schema import LimitsConfig
from pipeline.decoding.length import header_seconds
from pipeline.errors import RejectedError, SupersededError
from pipeline.storage.s3.versions import Total
from pipeline.storage.s3.video import S3Video

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mypy_boto3_s3 import S3Client

    from pipeline.storage.s3.retries import Retries
    from pipeline.storage.s3.versions import ObjectVersion, VersionedBucket

HEADERS = 20
"""Number of videos whose headers are read."""

_PARALLEL_HEADERS = 4
# 4 Mbit/s, as cameras write 1080p. Used if no header says a length.
_USUAL_SECONDS_A_BYTE = 1 / 500_000


@dataclass(frozen=True)
class Lengths:
    """How long videos are.

    Attributes:
        videos: number of videos.
        size_bytes: their size.
        seconds: their estimated length.
        margin_seconds: twice the standard error of this estimate; None if it is not known.
        headers: number of headers that were used.
    """

    videos: int
    size_bytes: int
    seconds: float
    margin_seconds: float | None
    headers: int

    def seconds_of(self, size_bytes: int) -> float:
        """Return the estimated length of one video."""
        return self.seconds * size_bytes / self.size_bytes if self.size_bytes else 0.0


def measure_lengths(
    client: S3Client, bucket: VersionedBucket, videos: Iterable[ObjectVersion], retries: Retries
) -> Lengths:
    """Estimate how long videos are, by the headers of 20 that are drawn at random.

    A video that would be rejected counts as 0 seconds. One whose header gives no length is left out
    of the sample.

    Raises:
        BrokenError, RetryableError: S3 refuses or fails.
    """
    total = Total()
    drawn = heapq.nlargest(HEADERS, total.counting(videos), key=lambda _: secrets.randbits(64))

    def read(video: ObjectVersion) -> tuple[int, float] | None:
        seconds = _seconds(client, bucket.name, video, retries)
        return None if seconds is None else (video.size_bytes, seconds)

    with ThreadPoolExecutor(_PARALLEL_HEADERS, thread_name_prefix="header") as executor:
        sample = [pair for pair in executor.map(read, drawn) if pair is not None]
    return extrapolate(total, sample)


def extrapolate(total: Total, sample: list[tuple[int, float]]) -> Lengths:
    """Estimate the length of all videos from a random sample, by the ratio of seconds to bytes.

    The standard error is that of the ratio estimator (Cochran, Sampling Techniques, chapter 6).

    Args:
        total: number and size of all videos.
        sample: bytes and seconds of each video in the sample.
    """
    read_bytes, read_seconds = (sum(column) for column in zip((0, 0.0), *sample, strict=True))
    rate = read_seconds / read_bytes if read_bytes else _USUAL_SECONDS_A_BYTE
    seconds, margin, number = total.size_bytes * rate, None, len(sample)
    if number and number == total.objects:
        margin = 0.0
    elif number > 1:
        squares = sum(
            (each_seconds - rate * each_bytes) ** 2 for each_bytes, each_seconds in sample
        )
        share_left = 1 - number / total.objects
        margin = 2 * total.objects * math.sqrt(share_left * squares / (number - 1) / number)
    return Lengths(total.objects, total.size_bytes, seconds, margin, number)


def _seconds(client: S3Client, bucket: str, video: ObjectVersion, retries: Retries) -> float | None:
    """Return the length of a video by its header; 0 if it would be rejected or is gone."""
    try:
        found = S3Video.find(
            client, bucket, video.key, version_id=video.version_id, etag=video.etag, retries=retries
        )
        with found.open() as stream:
            return header_seconds(stream, found.uri, LimitsConfig())
    except (RejectedError, SupersededError):
        return 0.0
