"""A prefix in S3 to which a person's command writes results, beside those of the function."""

from __future__ import annotations

import secrets
import time

from pipeline.digest import sha256_of_json
from pipeline.errors import PathError
from pipeline.resources.capacity import Capacity
from pipeline.resources.deadline import Deadline
from pipeline.storage.s3.attempt_context import AttemptContext
from pipeline.storage.s3.attempts import WORK_PREFIX, Attempt
from pipeline.storage.s3.bucket import Bucket
from pipeline.storage.s3.client import s3_client
from pipeline.storage.s3.result_store import S3ResultStore
from pipeline.storage.s3.retries import Retries

# A machine has no time-out. When an attempt that was killed is taken for dead: after a day.
_LONGEST_SECONDS = 24 * 3600
# More than any function has, so that what is too large for a function is tried here.
_CAPACITY = Capacity(megabytes=2**20, seconds=_LONGEST_SECONDS)


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
        self._bucket = Bucket(s3_client(), bucket, None, Retries(Deadline.never()))
        self._prefix = prefix

    def store(self, folder: str, video: str, run_id: str) -> S3ResultStore:
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
        context = AttemptContext(
            bucket=self._bucket,
            attempt=attempt,
            upload=None,
            correlation_id=sha256_of_json([video, run_id])[:32],
            is_current=lambda: False,
            notify=lambda _result: None,
        )
        parts = (self._prefix, folder, run_id)
        return S3ResultStore(context, "/".join(part for part in parts if part))
