"""Where the result of one job goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

from handler.result_keys import ResultKeys
from pipeline.storage.s3.attempt_context import AttemptContext
from pipeline.storage.s3.bucket import Bucket
from pipeline.storage.s3.client import s3_client, split_uri
from pipeline.storage.s3.ranged_reader import BLOCK_BYTES
from pipeline.storage.s3.result_store import S3ResultStore
from pipeline.storage.s3.retries import Retries

if TYPE_CHECKING:
    from collections.abc import Callable

    from handler.environment import Environment
    from handler.invocation import Invocation
    from handler.jobs import Job
    from pipeline.storage.result_store import PublishedResult
    from pipeline.storage.s3.divided import DividedRun
    from pipeline.storage.s3.result_store import Shards
    from pipeline.storage.s3.video import S3Video

logger = Logger(child=True)

# A frame takes some 40 bytes in any container, so this is at most 100,000 frames: minutes of work.
SURELY_SHORT_BYTES = BLOCK_BYTES


def results_bucket(environment: Environment, retries: Retries) -> Bucket:
    """Return the output bucket. An event may name another prefix, and never another bucket."""
    name, _ = split_uri(environment.output)
    return Bucket(s3_client(), name, environment.output_owner, retries)


class JobOutput:
    """The result store of a job, its attempts and its limits."""

    def __init__(self, job: Job, environment: Environment, invocation: Invocation) -> None:
        """Prepare; nothing is requested.

        Raises:
            BrokenError: the results would be below `pretag-work/`.
        """
        self._job = job
        self._environment = environment
        self._invocation = invocation
        _, prefix = split_uri(job.output or environment.output)
        self.keys = ResultKeys(prefix, job.key)
        self.retries = Retries(invocation.deadline)
        self.budget = invocation.budget()

    def store(self, video: S3Video, run_id: str, shards: Shards | None = None) -> S3ResultStore:
        """Return the result store of a run.

        Args:
            video: the video.
            run_id: the run id.
            shards: whether shards of the run may write images; None: if its video may be long.
        """
        if shards is None:
            is_short = video.size <= SURELY_SHORT_BYTES or self._environment.long_videos is None
            shards = "impossible" if is_short else "possible"
        logger.info(
            "Run started",
            extra={"run_id": run_id, "source": video.identity, "bytes": video.size},
        )
        context = self.attempt(video.is_current_version)
        return S3ResultStore(context, self.keys.folder(run_id), shards)

    def rejection_store(self, run_id: str, shards: Shards = "impossible") -> S3ResultStore:
        """Return the result store of a video that is rejected without being read."""
        has_room = self.keys.too_long() is None
        folder = self.keys.folder(run_id) if has_room else self.keys.rejection_folder(run_id)
        return S3ResultStore(self.attempt(), folder, shards)

    def divided_run(self, run_id: str) -> DividedRun:
        """Return the objects of a divided run."""
        from pipeline.storage.s3.divided import DividedRun  # noqa: PLC0415 - only long videos

        return DividedRun(results_bucket(self._environment, self.retries), self.keys.folder(run_id))

    def attempt(self, is_current: Callable[[], bool] = lambda: False) -> AttemptContext:
        """Return a new attempt.

        Args:
            is_current: tells whether the object is still the current version of its key.
        """
        return AttemptContext(
            bucket=results_bucket(self._environment, self.retries),
            attempt=self._invocation.attempt(self._job.uri),
            upload=self._job.upload,
            is_current=is_current,
            notify=self._notify,
            correlation_id=self._job.correlation_id,
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
