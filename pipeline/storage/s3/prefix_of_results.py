"""A prefix in S3 with results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.storage.newest_results import is_ending
from pipeline.storage.s3.attempts import WORK_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.storage.s3.bucket import Bucket


class PrefixOfResults:
    """The results below `s3://<bucket>/<prefix>`.

    Raises:
        BrokenError, RetryableError: from any method, if S3 refuses or fails.
    """

    def __init__(self, bucket: Bucket, prefix: str) -> None:
        """Describe a prefix, without a slash at the end; nothing is requested."""
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""

    @property
    def location(self) -> str:
        """`s3://bucket/prefix`."""
        return self._bucket.uri(self._prefix).rstrip("/")

    def endings(self) -> Iterator[tuple[float, str]]:
        """Yield time of change and relative path of each manifest and each rejection."""
        for key, changed in self._bucket.entries(self._prefix):
            path = key.removeprefix(self._prefix)
            if is_ending(path) and not key.startswith(WORK_PREFIX):
                yield changed, path

    def read(self, path: str) -> bytes:
        """Return the content of an object; empty if it is gone."""
        found = self._bucket.get(self._prefix + path)
        return b"" if found is None else found.data

    def write(self, path: str, data: bytes) -> None:
        """Write an object."""
        self._bucket.put(self._prefix + path, data)
