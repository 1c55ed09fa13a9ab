"""The videos that lie in a bucket already, and the event that stands for each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import quote_plus

from pipeline.storage.s3.versions import NO_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.storage.s3.versions import ObjectVersion, VersionedBucket

_ARCHIVED = {"GLACIER", "DEEP_ARCHIVE"}


def existing_videos(
    bucket: VersionedBucket, prefix: str, suffixes: tuple[str, ...], after: str | None
) -> Iterator[ObjectVersion]:
    """Yield the current version of each video below a prefix, in the order of their keys.

    Archived objects cannot be read, and are left out.

    Args:
        bucket: the bucket of the videos.
        prefix: the beginning of the keys.
        suffixes: lower-case suffixes of videos.
        after: the keys up to this one are left out; None: none.

    Raises:
        BrokenError, RetryableError: S3 refuses or fails.
    """
    for version in bucket.versions(prefix, after=after):
        is_current = version.is_latest and not version.is_marker
        is_video = version.key.lower().endswith(suffixes)
        if is_current and is_video and version.storage_class not in _ARCHIVED:
            yield version


def event_of(bucket: str, video: ObjectVersion, submission: str) -> bytes:
    """Return an event in the form of S3's notification.

    It has no sequencer, as only S3 knows it. So `latest.json` moves only if the video is still the
    current version of its key when its result is published.

    Args:
        bucket: the bucket of the video.
        video: the version to process.
        submission: id of the submission. All events of one submission for a video are one upload.
    """
    entity = {
        # As S3 does: a space is +, a plus %2B.
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
        "key": quote_plus(video.key, safe="/"),
        "size": video.size_bytes,
        "eTag": video.etag,
    }
    if video.version_id != NO_VERSION:
        entity["versionId"] = video.version_id
    record = {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "s3": {"s3SchemaVersion": "1.0", "bucket": {"name": bucket}, "object": entity},
        "submission": submission,
    }
    return json.dumps({"Records": [record]}).encode()
