"""Turn any event into jobs.

Events can contain other events: a message of a queue can contain a message of a topic, which
contains the notification of a bucket, and a message of the failure queue contains the event that
failed. `jobs_in` unwraps them all, to a bounded depth.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from handler.fields import shown, shown_names, text_at
from handler.jobs import Job, Skip, Unreadable
from handler.records import of_direct, of_event_bridge, of_notification
from handler.trust import check_sender
from pipeline.errors import BrokenError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from handler.jobs import Item

# AWS sends three levels: a message of the failure queue, in it what Lambda was invoked with, and in
# that a message of a topic.
_DEEPEST = 5
_LONGEST_MESSAGE_ID = 100


@dataclass(frozen=True)
class _Way:
    """How an event came.

    Attributes:
        depth: number of events that contain it.
        is_message: whether a queue or a topic carried it.
    """

    depth: int = 0
    is_message: bool = False

    def inside(self, *, is_message: bool) -> _Way:
        """Return the way of an event that this one contains."""
        if self.depth == _DEEPEST:
            raise BrokenError(
                f"The event contains events in more than {_DEEPEST} levels. Send the notification "
                "of S3 itself."
            )
        return replace(self, depth=self.depth + 1, is_message=self.is_message or is_message)


def is_batch(event: object) -> bool:
    """Tell whether the event comes from a queue, which needs to know which messages failed."""
    records = event.get("Records") if isinstance(event, dict) else None
    return isinstance(records, list) and any(
        isinstance(record, dict) and record.get("eventSource") == "aws:sqs" for record in records
    )


def is_command(event: object) -> bool:
    """Tell whether the event is a command of the stack itself. No message can contain one."""
    return isinstance(event, dict) and "pretag" in event


def messages_in(event: dict[str, Any]) -> Iterator[tuple[str | None, object]]:
    """Yield the id and the body of each message in an event from a queue; None for what it lacks.

    Nothing is checked: `jobs_in_text` says what is wrong with a body.
    """
    for record in event["Records"]:
        message = record if isinstance(record, dict) else {}
        message_id = message.get("messageId")
        is_usable = isinstance(message_id, str) and 0 < len(message_id) <= _LONGEST_MESSAGE_ID
        yield message_id if is_usable else None, message.get("body")


def jobs_in(event: object) -> Iterator[Item]:
    """Yield the jobs of an event, in order.

    Args:
        event: an S3 notification, alone or wrapped by SNS, SQS, Lambda's failure destination or an
            execution that failed; an EventBridge "Object Created"; or a direct
            `{"video": ..., "config": ..., "output": ...}`, which no queue or topic may have
            carried.

    Raises:
        BrokenError: the event is none of these. A wrong record in it is no exception: it is
            yielded as `Unreadable`, so that the others can be worked on.
    """
    return _jobs(event, _Way())


def jobs_in_text(text: object) -> Iterator[Item]:
    """Yield the jobs of a message, whose text is an event as JSON.

    Raises:
        BrokenError: the text is not a JSON object, or the event has an unknown form.
    """
    return _jobs_in_text(text, _Way().inside(is_message=True))


def _jobs(event: object, way: _Way) -> Iterator[Item]:
    if not isinstance(event, dict):
        raise BrokenError(f"The event is of type {type(event).__name__}; it must be a JSON object.")
    if "requestPayload" in event:  # from the failure queue
        yield from _jobs(event["requestPayload"], way.inside(is_message=False))
    elif event.get("Event") == "s3:TestEvent":
        yield Skip("s3:TestEvent", "S3 sends it when a notification is configured")
    elif event.get("pretag") == {"command": "index"}:  # it failed, and a redrive takes it back
        yield Skip("the index page", "its next schedule writes it")
    elif event.get("Type") == "Notification":  # SNS, delivered by SQS
        yield from _jobs_in_text(event.get("Message"), way.inside(is_message=True))
    elif event.get("source") == "aws.s3":
        yield of_event_bridge(event)
    elif event.get("source") == "aws.states":  # a long video that failed, from the failure queue
        yield from _of_execution(event, way)
    elif "video" in event:
        check_sender(is_message=way.is_message)
        yield of_direct(event)
    elif isinstance(event.get("Records"), list) and event["Records"]:
        yield from _records(event["Records"], way)
    else:
        raise BrokenError(
            f"The event has an unknown form (its keys: {shown_names(event)}). Send an S3 "
            "notification, or {'video': 's3://bucket/key'}. The folder events/ has examples."
        )


def _jobs_in_text(text: object, way: _Way) -> Iterator[Item]:
    yield from _jobs(_parsed(text), way)


def _parsed(text: object) -> object:
    if not isinstance(text, str):
        raise BrokenError(f"A message is {shown(text)}; it must be text. Send it again as JSON.")
    try:
        return json.loads(text)
    except ValueError as error:
        raise BrokenError(f"A message is not JSON: {error}. Send it again as JSON.") from error
    except RecursionError as error:
        raise BrokenError("A message has too many brackets in each other.") from error


def _of_execution(change: dict[str, Any], way: _Way) -> Iterator[Item]:
    """Yield the jobs of the event that an execution was started with, which Step Functions tells.

    https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
    """
    detail = change.get("detail")
    text = detail.get("input") if isinstance(detail, dict) else None
    given = None if text is None else _parsed(text)
    if not isinstance(given, dict) or "event" not in given:
        raise BrokenError(
            "The message tells of an execution, and not of the event that it was started with. "
            "Look its input up in Step Functions, and send the event again."
        )
    name = text_at(change, "detail.name")
    for item in _jobs(given["event"], way.inside(is_message=False)):
        yield replace(item, failed_execution=name) if isinstance(item, Job) else item


def _records(records: list[object], way: _Way) -> Iterator[Item]:
    for number, record in enumerate(records, start=1):
        try:
            yield from _of_record(record, way)
        except BrokenError as error:
            yield Unreadable(f"record {number} of {len(records)}", str(error))


def _of_record(record: object, way: _Way) -> Iterator[Item]:
    if not isinstance(record, dict):
        raise BrokenError(f"It is {shown(record)}; it must be a JSON object.")
    match record.get("eventSource", record.get("EventSource")):
        case "aws:s3":
            yield of_notification(record)
        case "aws:sns":
            sns = record.get("Sns")
            message = sns.get("Message") if isinstance(sns, dict) else None
            yield from _jobs_in_text(message, way.inside(is_message=True))
        case "aws:sqs":
            yield from _jobs_in_text(record.get("body"), way.inside(is_message=True))
        case source:
            raise BrokenError(
                f"The event has a record from {shown(source)}; records must come from S3, SNS or "
                "SQS."
            )
