"""Events in, jobs out: what an envelope asks for, whatever its form."""

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote_plus

from aws_lambda_powertools.utilities.data_classes import S3Event
from aws_lambda_powertools.utilities.data_classes.s3_event import S3EventRecord

from pipeline.errors import BrokenError


@dataclass(frozen=True)
class Job:
    """One object to work on.

    Attributes:
        bucket, key: where it is; the key as it is in S3, decoded.
        version_id: its version in a versioned bucket; None elsewhere.
        etag: its ETag when the event was sent, without quotes; None if the event has none.
    """

    bucket: str
    key: str
    version_id: str | None
    etag: str | None

    @property
    def uri(self) -> str:
        """`s3://bucket/key`."""
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True)
class Skip:
    """A record that asks for no work, and why."""

    what: str
    why: str


def parse(event: dict[str, Any], video_suffixes: tuple[str, ...]) -> list[Job | Skip]:
    """Return what each record of an event asks for, in order.

    Args:
        event: an S3 notification.
        video_suffixes: lower-case; records of other keys are skipped.

    Raises:
        BrokenError: the event is none that pretag knows.
    """
    if event.get("Event") == "s3:TestEvent":
        return [Skip("s3:TestEvent", "S3 sends it when a notification is configured")]
    if not event.get("Records"):
        raise BrokenError(
            f"The event has no S3 records (its keys: {', '.join(event) or 'none'}). "
            "Send an S3 notification, as in events/s3-put.json."
        )
    return [_of_record(record, video_suffixes) for record in S3Event(event).records]


def _of_record(record: S3EventRecord, video_suffixes: tuple[str, ...]) -> Job | Skip:
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
    if PurePosixPath(job.key).suffix.lower() not in video_suffixes:
        return Skip(job.uri, f"its suffix is not one of {' '.join(video_suffixes)}")
    return job
