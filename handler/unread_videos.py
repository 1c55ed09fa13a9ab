"""Reject a video of which nothing is read: its key is too long, or there is no such object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from handler.result_keys import RUN_ID_BYTES
from pipeline.digest import sha256_of_json
from pipeline.outcome import Outcome
from pipeline.runlog import RunLog
from pipeline.storage.publisher import Publisher

if TYPE_CHECKING:
    from handler.jobs import Job
    from handler.output import JobOutput
    from pipeline.errors import RejectedError


@dataclass(frozen=True)
class _NamedVideo:
    """A video as its event names it."""

    uri: str
    identity: dict[str, str]


def reject(job: Job, output: JobOutput, error: RejectedError) -> Outcome:
    """Publish the rejection of a video of which nothing was read.

    Raises:
        BrokenError, RetryableError: S3 or EventBridge failed.
    """
    facts = {
        "bucket": job.bucket,
        "key": job.key,
        "etag": job.etag,
        "version_id": job.version_id,
    }
    identity = {name: value for name, value in facts.items() if value is not None}
    run_id = sha256_of_json(identity)[:RUN_ID_BYTES]
    log = RunLog()
    store = output.rejection_store(run_id)
    with Publisher(store, run_id, _NamedVideo(job.uri, identity), log) as publisher:
        result = publisher.reject(error, None)
    return Outcome.published(job.uri, log.finished(), result)
