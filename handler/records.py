"""Turn what names one object into a job: a record of S3, an event of EventBridge, a direct event.

A record that tells of another change than a new object becomes a `Skip`.
"""

from __future__ import annotations

import re
from typing import Any

from handler.fields import checked_key, decoded_key, optional_text_at, shown, shown_names, text_at
from handler.jobs import Job, Skip
from pipeline.errors import BrokenError

_SUBMISSION = re.compile("[A-Za-z0-9-]{1,64}")
# S3 says that it is hexadecimal. The longest seen has 18 digits.
_SEQUENCER = re.compile("[0-9A-Fa-f]{1,64}")


def of_notification(record: dict[str, Any]) -> Job | Skip:
    """Return the job of one record of an S3 notification, or of `pretag submit`.

    Raises:
        BrokenError: a field is missing or wrong.
    """
    job = Job(
        bucket=text_at(record, "s3.bucket.name"),
        key=decoded_key(text_at(record, "s3.object.key")),
        version_id=optional_text_at(record, "s3.object.versionId"),
        etag=optional_text_at(record, "s3.object.eTag"),
        sequencer=_sequencer(record, "s3.object.sequencer"),
        submission=_submission(record),
    )
    name = text_at(record, "eventName")
    if not name.startswith("ObjectCreated:"):
        return Skip(job.uri, f"{shown(name)} creates no object")
    return job


def of_event_bridge(event: dict[str, Any]) -> Job | Skip:
    """Return the job of an event that S3 sent to EventBridge.

    Raises:
        BrokenError: a field is missing or wrong.
    """
    # Powertools' S3EventBridgeNotificationEvent form-decodes keys, but EventBridge sends them
    # unencoded: a+b.mp4 would become "a b.mp4".
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
    job = Job(
        bucket=text_at(event, "detail.bucket.name"),
        key=checked_key(text_at(event, "detail.object.key")),
        version_id=optional_text_at(event, "detail.object.version-id"),
        etag=optional_text_at(event, "detail.object.etag"),
        sequencer=_sequencer(event, "detail.object.sequencer"),
    )
    name = text_at(event, "detail-type")
    if name != "Object Created":
        return Skip(job.uri, f"{shown(name)} creates no object")
    return job


def of_direct(event: dict[str, Any]) -> Job:
    """Return the job of an event in which a person names an object.

    Raises:
        BrokenError: it has a wrong key or value.
    """
    wrong = {key: value for key, value in event.items() if not _is_valid(key, value)}
    if wrong:
        raise BrokenError(
            f"The direct event has wrong keys or values: {shown_names(wrong)}. It must be "
            '{"video": "s3://bucket/key", "config": {...}, "output": "s3://bucket/prefix"}; '
            "config and output are optional."
        )
    bucket, _, key = text_at(event, "video").removeprefix("s3://").partition("/")
    config, output = event.get("config", {}), optional_text_at(event, "output")
    return Job(bucket, checked_key(key), config=config, output=output, named=True)


def _sequencer(tree: dict[str, Any], path: str) -> str | None:
    sequencer = optional_text_at(tree, path)
    if sequencer is not None and not _SEQUENCER.fullmatch(sequencer):
        raise BrokenError(
            f"The field {path} is {shown(sequencer)}; it must be a hexadecimal number of at most "
            "64 digits. Send the event as S3 sends it."
        )
    return sequencer


def _submission(record: dict[str, Any]) -> str | None:
    submission = optional_text_at(record, "submission")
    if submission is not None and not _SUBMISSION.fullmatch(submission):
        raise BrokenError(
            f"The field submission is {shown(submission)}; it must have at most 64 letters, digits "
            "and hyphens. `pretag submit` writes it."
        )
    return submission


def _is_valid(key: object, value: object) -> bool:
    match key, value:
        case "video", str():
            return re.fullmatch(r"s3://[^/]+/.+", value, re.DOTALL) is not None
        case "output", str():
            return value.startswith("s3://")
        case "config", dict():
            return True
    return False
