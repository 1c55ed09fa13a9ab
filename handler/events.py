"""Events in, jobs out: what an envelope asks for, whatever its form.

Envelopes nest: a queue's message may hold a topic's, which holds a bucket's notification; the
failure queue's holds the event that failed. `jobs_in` unwraps them all the same way.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from aws_lambda_powertools.utilities.data_classes import S3Event, SNSEvent, SQSEvent

from pipeline.errors import BrokenError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_lambda_powertools.utilities.data_classes.s3_event import S3EventRecord


@dataclass(frozen=True)
class Job:
    """One object to work on.

    Attributes:
        bucket, key: where it is; the key as it is in S3, decoded.
        version_id: its version in a versioned bucket; None elsewhere.
        etag: its ETag when the event was sent, without quotes; None if the event has none.
        config: the event's own configuration, over all other layers.
        output: `s3://bucket/prefix` for the results; None for the function's own.
        named: somebody named this very object; it is worked on whatever its suffix.
    """

    bucket: str
    key: str
    version_id: str | None = None
    etag: str | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    output: str | None = None
    named: bool = False

    @property
    def uri(self) -> str:
        """`s3://bucket/key`."""
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True)
class Skip:
    """A record that asks for no work, and why."""

    what: str
    why: str

    def summary(self) -> dict[str, str]:
        """Return the record's line of the summary."""
        return {"skipped": self.what, "reason": self.why}


def is_batch(event: Mapping[str, Any]) -> bool:
    """Tell whether a queue sent the event, and so wants to hear which messages failed."""
    records = event.get("Records") if isinstance(event, dict) else None
    return any(record.get("eventSource") == "aws:sqs" for record in records or [])


def messages_in(event: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each message of a queue's event: its id, and its body."""
    for record in SQSEvent(event).records:
        yield record.message_id, record.body


def jobs_in(event: Mapping[str, Any]) -> Iterator[Job | Skip]:
    """Yield what an event asks for, in order.

    Args:
        event: an S3 notification, alone or wrapped by SNS, SQS or Lambda's failure destination;
            an EventBridge "Object Created"; or a direct `{"video": ..., "config": ...,
            "output": ...}`.

    Raises:
        BrokenError: the event, or one that it wraps, is none of these.
    """
    if not isinstance(event, Mapping):
        raise BrokenError(f"The event is a {type(event).__name__}, where an object should be.")
    if "requestPayload" in event:  # from the failure queue
        yield from jobs_in(event["requestPayload"])
    elif event.get("Event") == "s3:TestEvent":
        yield Skip("s3:TestEvent", "S3 sends it when a notification is configured")
    elif event.get("Type") == "Notification":  # SNS, delivered by SQS
        yield from jobs_in_text(event["Message"])
    elif event.get("source") == "aws.s3":
        yield _of_event_bridge(event)
    elif "video" in event:
        yield _of_direct(event)
    elif event.get("Records"):
        for record in event["Records"]:
            yield from _of_record(record)
    else:
        raise BrokenError(
            f"The event is none that pretag knows (its keys: {', '.join(event) or 'none'}). "
            "Send an S3 notification, or {'video': 's3://bucket/key'}; see the folder events/."
        )


def jobs_in_text(text: str) -> Iterator[Job | Skip]:
    """Yield what an event in JSON asks for.

    Raises:
        BrokenError: it is no JSON object, or no event that pretag knows.
    """
    try:
        event = json.loads(text)
    except ValueError as error:
        raise BrokenError(f"A message holds no JSON: {error}.") from error
    yield from jobs_in(event)


def _of_record(record: dict[str, Any]) -> Iterator[Job | Skip]:
    match record.get("eventSource", record.get("EventSource")):
        case "aws:s3":
            (notification,) = S3Event({"Records": [record]}).records
            yield _of_notification(notification)
        case "aws:sns":
            (message,) = SNSEvent({"Records": [record]}).records
            yield from jobs_in_text(message.sns.message)
        case "aws:sqs":
            yield from jobs_in_text(record["body"])
        case source:
            raise BrokenError(f"The event holds a record from {source}, not from S3, SNS or SQS.")


def _of_notification(record: S3EventRecord) -> Job | Skip:
    entity = record.s3.get_object
    job = Job(
        bucket=record.s3.bucket.name,
        # Notifications form-encode keys: a space is +, a plus %2B.
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
        key=unquote_plus(entity.key),
        version_id=entity.version_id,
        etag=entity.etag or None,
    )
    if not record.event_name.startswith("ObjectCreated:"):
        return Skip(job.uri, f"{record.event_name} creates no object")
    return job


def _of_event_bridge(event: Mapping[str, Any]) -> Job | Skip:
    # Not Powertools' S3EventBridgeNotificationEvent: it form-decodes keys, which EventBridge
    # sends as they are, so that a+b.mp4 would become "a b.mp4".
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
    entity = event["detail"]["object"]
    job = Job(
        bucket=event["detail"]["bucket"]["name"],
        key=entity["key"],
        version_id=entity.get("version-id"),
        etag=entity.get("etag"),
    )
    if event["detail-type"] != "Object Created":
        return Skip(job.uri, f"{event['detail-type']} creates no object")
    return job


def _of_direct(event: Mapping[str, Any]) -> Job:
    wrong = [key for key, value in event.items() if not _is_right(key, value)]
    if wrong:
        raise BrokenError(
            f"The direct event is not right ({', '.join(wrong)}). "
            'It is {"video": "s3://bucket/key", "config": {...}, "output": "s3://bucket/prefix"}, '
            "of which config and output may be left out."
        )
    bucket, _, key = event["video"].removeprefix("s3://").partition("/")
    return Job(bucket, key, config=event.get("config", {}), output=event.get("output"), named=True)


def _is_right(key: str, value: object) -> bool:
    match key, value:
        case "video", str():
            return re.fullmatch(r"s3://[^/]+/.+", value, re.DOTALL) is not None
        case "output", str():
            return value.startswith("s3://")
        case "config", dict():
            return True
    return False
