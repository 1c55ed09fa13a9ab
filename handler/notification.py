"""Tell EventBridge that a result or a rejection was published."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Literal

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError

from pipeline.errors import BrokenError, RetryableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef

    from pipeline.errors import PretagError

_SOURCE = "pretag"
_DETAIL_TYPES = {"done": "Result Published", "rejected": "Video Rejected"}
# EventBridge calls these retryable; the first two also come as errors of a single entry.
_RETRYABLE = {"ThrottlingException", "InternalFailure", "InternalException"}


@dataclass(frozen=True)
class Notification:
    """What the event says: one video's result or rejection is visible.

    Attributes:
        bucket, key: the video.
        version_id: its version in a versioned bucket; None elsewhere.
        run_id: the run id. An event can come twice; the run id and the ending then are the same.
        result: `s3://bucket/prefix` of the manifest or of the rejection.
        ending: `done` or `rejected`.
        reason: the reason code of a rejection; None if done.
        counts: the counts of the run, as in the manifest.
    """

    bucket: str
    key: str
    version_id: str | None
    run_id: str
    result: str
    ending: Literal["done", "rejected"]
    reason: str | None
    counts: Mapping[str, int]


@cache
def events_client() -> EventBridgeClient:
    """Return the EventBridge client of the process.

    Three attempts take at most about 25 seconds, so that they fit between the result and the end
    of the invocation.
    """
    config = Config(
        connect_timeout=2, read_timeout=5, retries={"mode": "standard", "max_attempts": 3}
    )
    return boto3.client("events", config=config)


def send_notification(event_bus: str, notification: Notification) -> None:
    """Send one event to a bus, with all fields of the notification as its detail.

    The first call in a process makes the client, so the cold start does not pay for it.

    EventBridge accepts events for a bus that does not exist, and drops them, so that is no error
    here: https://github.com/aws/aws-sdk/issues/186

    Args:
        event_bus: the name of the bus.
        notification: the content.

    Raises:
        RetryableError: EventBridge throttled the request, failed, or could not be reached.
        BrokenError: EventBridge refuses the event, as without permission.
    """
    entry = _entry(event_bus, notification)
    try:
        response = events_client().put_events(Entries=[entry])
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
        raise _error(event_bus, code, message, status) from error
    except (NoCredentialsError, NoRegionError) as error:
        raise BrokenError(
            f"The event bus {event_bus} cannot be reached: {error} Configure AWS credentials and a "
            "region, or give the function a role."
        ) from error
    except BotoCoreError as error:
        raise RetryableError(
            f"EventBridge could not be reached for the bus {event_bus}: {error}. It is tried again."
        ) from error
    if response["FailedEntryCount"]:
        (failed,) = response["Entries"]
        raise _error(event_bus, failed["ErrorCode"], failed["ErrorMessage"], HTTPStatus.OK)


def _entry(event_bus: str, notification: Notification) -> PutEventsRequestEntryTypeDef:
    # Far below EventBridge's limit of 256 KB, because S3 limits a key to 1,024 bytes.
    detail = json.dumps(asdict(notification), ensure_ascii=False)
    return {
        "EventBusName": event_bus,
        "Source": _SOURCE,
        "DetailType": _DETAIL_TYPES[notification.ending],
        "Detail": detail,
    }


def _error(event_bus: str, code: str, message: str, status: int) -> PretagError:
    """Return the error of pretag for an error of a request, or of the entry in it."""
    is_busy = status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    if is_busy or code in _RETRYABLE:
        return RetryableError(
            f"EventBridge failed on the bus {event_bus} ({code}: {message}). It is tried again."
        )
    return BrokenError(
        f"EventBridge refuses an event on the bus {event_bus} ({code}: {message}). Check that the "
        "bus exists and that the role may use events:PutEvents on it, or deploy with an empty "
        "parameter EventBus to send no events."
    )
