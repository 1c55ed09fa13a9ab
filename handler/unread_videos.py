"""Reject a video of which nothing is read: its key is too long, or there is no such object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from handler.result_keys import RUN_ID_BYTES
from pipeline.digest import sha256_of_json
from pipeline.errors import CapacityError
from pipeline.outcome import Outcome
from pipeline.runlog import RunLog
from pipeline.storage.publisher import Publisher

if TYPE_CHECKING:
    from handler.jobs import Job
    from handler.output import JobOutput
    from handler.run_plan import RunPlan
    from pipeline.errors import RejectedError
    from pipeline.storage.result_store import PublishedResult


@dataclass(frozen=True)
class _NamedVideo:
    """A video as its event names it."""

    uri: str
    identity: dict[str, str]


def reject(
    job: Job, output: JobOutput, error: RejectedError, plan: RunPlan | None = None
) -> Outcome:
    """Publish the rejection of a video of which this invocation read nothing.

    Args:
        job: the job.
        output: where its results go.
        error: why the video is rejected.
        plan: the plan of the run, if shards read the video; None if nobody did.

    Raises:
        BrokenError, RetryableError: S3 or EventBridge failed.
    """
    if plan is None:
        facts = {
            "bucket": job.bucket,
            "key": job.key,
            "etag": job.etag,
            "version_id": job.version_id,
        }
        identity = {name: value for name, value in facts.items() if value is not None}
        run_id = sha256_of_json(identity)[:RUN_ID_BYTES]
    else:
        identity, run_id = dict(plan.identity), plan.run_id
    log = RunLog()
    store = output.rejection_store(run_id, "impossible" if plan is None else "done")
    with Publisher(store, run_id, _NamedVideo(job.uri, identity), log) as publisher:
        # Only who registers before it decides is missed, if it dies before it tells of the result.
        result = None if plan is None else _earlier_result(publisher)
        if result is None:
            result = publisher.reject(error, output.budget.capacity)
    return Outcome.published(job.uri, log.finished(), result)


def _earlier_result(publisher: Publisher) -> PublishedResult | None:
    try:
        return publisher.begin()
    except CapacityError:  # earlier attempts to finish the run died; it is rejected anyway
        return None
