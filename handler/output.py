"""Where the result of one job goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

from pipeline.errors import BrokenError
from pipeline.storage.s3.attempt_context import AttemptContext
from pipeline.storage.s3.attempts import WORK_PREFIX
from pipeline.storage.s3.bucket import Bucket
from pipeline.storage.s3.client import s3_client, split_uri
from pipeline.storage.s3.result_store import S3ResultStore
from pipeline.storage.s3.retries import Retries

if TYPE_CHECKING:
    from collections.abc import Callable

    from handler.environment import Environment
    from handler.events import Job
    from handler.invocation import Invocation
    from pipeline.storage.result_store import PublishedResult
    from pipeline.storage.s3.video import S3Video

logger = Logger(child=True)


class JobOutput:
    """The result store of a job, its attempts and its limits."""

    def __init__(self, job: Job, environment: Environment, invocation: Invocation) -> None:
        self._job = job
        self._environment = environment
        self._invocation = invocation
        self._bucket, self._prefix = split_uri(job.output or environment.output)
        self.retries = Retries(invocation.deadline)
        self.budget = invocation.budget()

    def store(self, video: S3Video, run_id: str) -> S3ResultStore:
        """Return the result store of a run."""
        logger.info(
            "Run started",
            extra={"run_id": run_id, "source": video.identity, "bytes": video.size},
        )
        parts = (self._prefix.strip("/"), self._job.key, run_id)
        folder = "/".join(part for part in parts if part)
        if folder.startswith(WORK_PREFIX):
            raise BrokenError(
                f"Results cannot be written below {WORK_PREFIX}, where they are deleted after some "
                "days. Choose another output prefix."
            )
        return S3ResultStore(self.attempt(video.is_current_version), folder)

    def attempt(self, is_current: Callable[[], bool] = lambda: False) -> AttemptContext:
        """Return a new attempt.

        Args:
            is_current: tells whether the object is still the current version of its key.
        """
        owner = None if self._job.output else self._environment.output_owner
        return AttemptContext(
            bucket=Bucket(s3_client(), self._bucket, owner, self.retries),
            attempt=self._invocation.attempt(),
            upload=self._job.upload,
            is_current=is_current,
            notify=self._notify,
        )

    def _notify(self, result: PublishedResult) -> None:
        if self._environment.event_bus is None:
            return
        # Imported late, because it is needed last.
        from handler.notification import Notification, send_notification  # noqa: PLC0415

        job, content = self._job, result.ending.content
        notification = Notification(
            bucket=job.bucket,
            key=job.key,
            version_id=job.version_id,
            run_id=content["run_id"],
            result=result.location,
            ending="rejected" if result.ending.is_rejection else "done",
            reason=content.get("reason"),
            counts=content.get("counts", {}),
        )
        send_notification(self._environment.event_bus, notification)
