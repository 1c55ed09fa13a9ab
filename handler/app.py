"""The Lambda function's entry point."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from handler.environment import Environment
from handler.events import is_batch, jobs_in, jobs_in_text, messages_in
from handler.tracing import traced
from handler.worker import work

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aws_lambda_powertools.utilities.typing import LambdaContext

    from handler.events import Job, Skip

logger = Logger()


@traced
@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], _context: LambdaContext) -> dict[str, Any]:
    """Work through all of an event, then say what must be tried again.

    Returns:
        For a queue's event, the messages that failed (`batchItemFailures`). Else a summary: a
        line for each video and for each record that was passed over, with its reason.

    Raises:
        PretagError: the first failure that is not the video's own; AWS retries the event, and
            then puts it whole into the failure queue.
    """
    environment = Environment.load()
    if not is_batch(event):
        return _work_through(jobs_in(event), environment)
    failures = []
    for message_id, body in messages_in(event):
        try:
            _work_through(jobs_in_text(body), environment)
        except Exception:
            logger.exception("Message failed", extra={"message_id": message_id})
            failures.append({"itemIdentifier": message_id})
    return {"batchItemFailures": failures}


def _work_through(jobs: Iterable[Job | Skip], environment: Environment) -> dict[str, Any]:
    summary: dict[str, Any] = {"videos": [], "skipped": []}
    failures: list[Exception] = []
    for job in jobs:
        try:
            outcome = work(job, environment)
        except Exception as error:  # the other records come first; it is raised below
            logger.exception("Video failed", extra={"job": job})
            failures.append(error)
            continue
        logger.info("Worked", extra={"outcome": outcome})
        summary["skipped" if "skipped" in outcome else "videos"].append(outcome)
    if failures:
        raise failures[0]
    return summary
