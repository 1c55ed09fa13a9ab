"""The Lambda function's entry point."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from handler.correlation import prepare_log
from handler.environment import Environment
from handler.events import is_batch, is_command, jobs_in, jobs_in_text, messages_in
from handler.invocation import Invocation
from handler.tracing import traced
from handler.worker import process_jobs
from pipeline.child_process.confinement import hide_from_children
from pipeline.errors import BrokenError

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

logger = Logger()
prepare_log(logger)
# The decoder's process belongs to the same user. It must not read the credentials of this one.
hide_from_children()


@traced
@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Process all videos of an event.

    Returns:
        For an event from a queue, the messages that failed (`batchItemFailures`). Otherwise a
        summary: an object for each video, and for each skipped record with the reason. For a
        command of the stack itself, what was done.

    Raises:
        PretagError: the first error that is not the fault of a video, after all other videos. AWS
            retries the event, and then sends the whole event to the failure queue.
    """
    environment = Environment.load()
    invocation = Invocation.begin(context, environment.timeout_seconds)
    if is_command(event):
        # Imported late: only the state machine of long videos and a schedule send commands.
        from handler.commands import obey  # noqa: PLC0415

        return obey(event, environment, invocation)
    if not is_batch(event):
        return process_jobs(jobs_in(event), environment, invocation)
    failures: list[str | None] = []
    for message_id, body in messages_in(event):
        try:
            process_jobs(jobs_in_text(body), environment, invocation)
        except Exception:
            logger.exception("Message failed", extra={"message_id": message_id})
            failures.append(message_id)
    if None in failures:
        raise BrokenError(
            "A message failed that has no messageId, so the queue cannot be told which one. The "
            "line before this one in the log says why. Send the event as SQS sends it."
        )
    return {"batchItemFailures": [{"itemIdentifier": name} for name in failures]}
