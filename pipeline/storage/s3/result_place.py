"""A prefix in S3 to which a person's command writes results, beside those of the function."""

from __future__ import annotations

import secrets
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pipeline.digest import sha256_of_json
from pipeline.errors import PathError
from pipeline.resources.capacity import Capacity
from pipeline.storage.manifest import ContentError, source_in
from pipeline.storage.result_store import MANIFEST
from pipeline.storage.s3.attempt_context import AttemptContext
from pipeline.storage.s3.attempts import WORK_PREFIX, Attempt
from pipeline.storage.s3.bucket import Bucket
from pipeline.storage.s3.result_store import S3ResultStore
from pipeline.storage.video_folder import own_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.storage.source import IdentifiedVideo

# A machine has no time-out. When an attempt that was killed is taken for dead: after a day.
_LONGEST_SECONDS = 24 * 3600
# More than any function has, so that what is too large for a function is tried here.
_CAPACITY = Capacity(megabytes=2**20, seconds=_LONGEST_SECONDS)


class PlacedStore(S3ResultStore):
    """Writes one attempt of a command. Its processes write to it too, so it can be pickled."""

    def __init__(self, bucket: str, folder: str, attempt: Attempt, correlation_id: str) -> None:
        """Create a store; nothing is requested.

        Args:
            bucket: the bucket.
            folder: key prefix of the run, without a slash at the end.
            attempt: the attempt.
            correlation_id: written into the ending.
        """
        self._arguments = (bucket, folder, attempt, correlation_id)
        context = AttemptContext(
            bucket=Bucket.for_command(bucket),
            attempt=attempt,
            upload=None,
            correlation_id=correlation_id,
            is_current=lambda: False,
            notify=lambda _result: None,
        )
        super().__init__(context, folder)

    def __reduce__(self) -> tuple[type[PlacedStore], tuple[str, str, Attempt, str]]:
        """Return how the store is made again in another process."""
        return type(self), self._arguments

    def remove(self, paths: Sequence[str]) -> None:
        """Remove files that this attempt wrote, and does not publish.

        Raises:
            BrokenError, RetryableError: S3 did not remove them.
        """
        self._context.bucket.delete(self._file_key(path) for path in paths)

    def remove_folder(self, path: str) -> None:
        """Remove a folder with all files in it, if it is there.

        Raises:
            BrokenError, RetryableError: S3 did not remove them.
        """
        bucket = self._context.bucket
        bucket.delete(bucket.keys(self._file_key(f"{path}/")))


class S3ResultPlace:
    """Writes runs to `s3://<bucket>/<prefix>/<folder of the video>/<run id>`.

    A run is published once, whoever else works at it. `latest.json` is not moved, because only
    uploads have an order.
    """

    def __init__(self, bucket: str, prefix: str) -> None:
        """Create a place; nothing is requested.

        Args:
            bucket: the bucket.
            prefix: the key prefix, without slashes at its ends; may be empty.

        Raises:
            PathError: the prefix is that of work files, which are deleted after some days.
        """
        if f"{prefix}/".startswith(WORK_PREFIX):
            raise PathError(
                f"s3://{bucket}/{prefix} is below {WORK_PREFIX}, where objects are deleted after "
                "some days. Choose another prefix."
            )
        self._bucket = Bucket.for_command(bucket)
        self._prefix = prefix

    def own_folder(self, folder: str, source: IdentifiedVideo) -> str:
        """Return the folder for the results of a video, see `video_folder`.

        Raises:
            BrokenError, RetryableError: S3 does not list the results.
        """
        return own_folder(folder, source.identity, self._sources(folder))

    def store(self, folder: str, video: str, run_id: str) -> PlacedStore:
        """Return the result store of a run.

        Args:
            folder: the folder of the video, with slashes.
            video: path or URI of the video.
            run_id: id of the run.
        """
        now = time.time()
        attempt = Attempt(
            id=secrets.token_hex(8),
            request_id=secrets.token_hex(8),
            started=now,
            deadline=now + _LONGEST_SECONDS,
            capacity=_CAPACITY,
            video=video,
        )
        correlation_id = sha256_of_json([video, run_id])[:32]
        return PlacedStore(self._bucket.name, self._key(folder, run_id), attempt, correlation_id)

    def _sources(self, folder: str) -> Iterator[dict[str, Any]]:
        for run in self._bucket.folders(f"{self._key(folder)}/"):
            manifest = self._bucket.get(f"{run}{MANIFEST}")
            if manifest is not None:
                with suppress(ContentError):
                    yield source_in(manifest.data)

    def _key(self, *parts: str) -> str:
        return "/".join(part for part in (self._prefix, *parts) if part)
