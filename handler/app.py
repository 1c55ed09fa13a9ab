"""The Lambda function's entry point."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from handler.environment import Environment
from handler.events import is_batch, jobs_in, jobs_in_text, messages_in
from handler.tracing import traced
from handler.worker import work_through

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

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
        return work_through(jobs_in(event), environment)
    failures = []
    for message_id, body in messages_in(event):
        try:
            work_through(jobs_in_text(body), environment)
        except Exception:
            logger.exception("Message failed", extra={"message_id": message_id})
            failures.append({"itemIdentifier": message_id})
    return {"batchItemFailures": failures}
