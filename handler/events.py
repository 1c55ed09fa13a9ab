"""Turn any event into jobs.

Events can contain other events: a message of a queue can contain a message of a topic, which
contains the notification of a bucket, and a message of the failure queue contains the event that
failed. `jobs_in` unwraps them all.
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
from pipeline.storage.s3.upload import Upload

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_lambda_powertools.utilities.data_classes.s3_event import S3EventRecord


@dataclass(frozen=True)
class Job:
    """One object to process.

    Attributes:
        bucket, key: the object; the key is decoded, as it is in S3.
        version_id: its version in a versioned bucket; None elsewhere.
        etag: its ETag when the event was sent, without quotes; None if the event has none.
        sequencer: orders the events of one key; None if the event has none.
        config: configuration from the event, which overrides all other layers.
        output: `s3://bucket/prefix` for the result; None: the function's own.
        named: whether a person named this object. It is then processed whatever its suffix.
    """

    bucket: str
    key: str
    version_id: str | None = None
    etag: str | None = None
    sequencer: str | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    output: str | None = None
    named: bool = False

    @property
    def uri(self) -> str:
        """`s3://bucket/key`."""
        return f"s3://{self.bucket}/{self.key}"

    @property
    def upload(self) -> Upload | None:
        """The upload that the event tells of; None if a person named the object."""
        if self.named:
            return None
        return Upload(self.bucket, self.key, self.version_id, self.etag, self.sequencer)


@dataclass(frozen=True)
class Skip:
    """A record with nothing to process, and the reason."""

    what: str
    why: str

    def summary(self) -> dict[str, str]:
        """Return the record's entry in the summary."""
        return {"skipped": self.what, "reason": self.why}


def is_batch(event: Mapping[str, Any]) -> bool:
    """Tell whether the event comes from a queue, which needs to know which messages failed."""
    records = event.get("Records") if isinstance(event, dict) else None
    return any(record.get("eventSource") == "aws:sqs" for record in records or [])


def messages_in(event: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the id and the body of each message in an event from a queue."""
    for record in SQSEvent(event).records:
        yield record.message_id, record.body


def jobs_in(event: Mapping[str, Any]) -> Iterator[Job | Skip]:
    """Yield the jobs of an event, in order.

    Args:
        event: an S3 notification, alone or wrapped by SNS, SQS or Lambda's failure destination;
            an EventBridge "Object Created"; or a direct `{"video": ..., "config": ...,
            "output": ...}`.

    Raises:
        BrokenError: the event, or one that it contains, is none of these.
    """
    if not isinstance(event, Mapping):
        raise BrokenError(f"The event is of type {type(event).__name__}; it must be a JSON object.")
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
            f"The event has an unknown form (its keys: {', '.join(event) or 'none'}). Send an S3 "
            "notification, or {'video': 's3://bucket/key'}. The folder events/ has examples."
        )


def jobs_in_text(text: str) -> Iterator[Job | Skip]:
    """Yield the jobs of an event that is given as JSON.

    Raises:
        BrokenError: the text is not a JSON object, or the event has an unknown form.
    """
    try:
        event = json.loads(text)
    except ValueError as error:
        raise BrokenError(f"A message is not JSON: {error}. Send it again as JSON.") from error
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
            raise BrokenError(
                f"The event has a record from {source}; records must come from S3, SNS or SQS."
            )


def _of_notification(record: S3EventRecord) -> Job | Skip:
    entity = record.s3.get_object
    job = Job(
        bucket=record.s3.bucket.name,
        # Notifications form-encode keys: a space is +, a plus %2B.
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
        key=unquote_plus(entity.key),
        version_id=entity.version_id,
        etag=entity.etag or None,
        sequencer=entity.get("sequencer"),
    )
    if not record.event_name.startswith("ObjectCreated:"):
        return Skip(job.uri, f"{record.event_name} creates no object")
    return job


def _of_event_bridge(event: Mapping[str, Any]) -> Job | Skip:
    # Powertools' S3EventBridgeNotificationEvent form-decodes keys, but EventBridge sends them
    # unencoded: a+b.mp4 would become "a b.mp4".
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
    entity = event["detail"]["object"]
    job = Job(
        bucket=event["detail"]["bucket"]["name"],
        key=entity["key"],
        version_id=entity.get("version-id"),
        etag=entity.get("etag"),
        sequencer=entity.get("sequencer"),
    )
    if event["detail-type"] != "Object Created":
        return Skip(job.uri, f"{event['detail-type']} creates no object")
    return job


def _of_direct(event: Mapping[str, Any]) -> Job:
    wrong = [key for key, value in event.items() if not _is_valid(key, value)]
    if wrong:
        raise BrokenError(
            f"The direct event has wrong keys or values: {', '.join(wrong)}. It must be "
            '{"video": "s3://bucket/key", "config": {...}, "output": "s3://bucket/prefix"}; '
            "config and output are optional."
        )
    bucket, _, key = event["video"].removeprefix("s3://").partition("/")
    return Job(bucket, key, config=event.get("config", {}), output=event.get("output"), named=True)


def _is_valid(key: str, value: object) -> bool:
    match key, value:
        case "video", str():
            return re.fullmatch(r"s3://[^/]+/.+", value, re.DOTALL) is not None
        case "output", str():
            return value.startswith("s3://")
        case "config", dict():
            return True
    return False
