"""A prefix in S3 with results."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipeline.errors import BrokenError
from pipeline.resources.deadline import Deadline
from pipeline.storage.newest_results import is_ending
from pipeline.storage.s3.attempts import WORK_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.storage.s3.bucket import Bucket


_IMAGES = "/images/default/"
_IMAGES_OF_RUN = re.compile(r"(^|/)[0-9a-f]{16}/images/default/$")


class PrefixOfResults:
    """The results below `s3://<bucket>/<prefix>`.

    Raises:
        BrokenError, RetryableError: from any method, if S3 refuses or fails.
    """

    def __init__(self, bucket: Bucket, prefix: str, deadline: Deadline | None = None) -> None:
        """Describe a prefix; nothing is requested.

        Args:
            bucket: the bucket.
            prefix: the prefix, without a slash at the end.
            deadline: when listing must have ended; None: never.
        """
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._deadline = deadline or Deadline.never()

    @property
    def location(self) -> str:
        """`s3://bucket/prefix`."""
        return self._bucket.uri(self._prefix).rstrip("/")

    def endings(self) -> Iterator[tuple[float, str]]:
        """Yield time of change and relative path of each manifest and each rejection.

        The images of a run are not listed, so 1,000 keys are the files of some 100 results.

        Raises:
            BrokenError: the deadline came first.
        """
        return self._endings_in(self._prefix)

    def _endings_in(self, prefix: str) -> Iterator[tuple[float, str]]:
        for key, changed in self._bucket.entries_and_folders(prefix, _IMAGES):
            if not self._deadline.seconds_left():
                raise BrokenError(
                    f"{self.location} has more results than can be listed in the time there is. "
                    "Make a page for each folder with `pretag index`, or let results expire."
                )
            if changed is None:
                # The key of a video may contain the same name.
                if not _IMAGES_OF_RUN.search(key):
                    yield from self._endings_in(key)
                continue
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
