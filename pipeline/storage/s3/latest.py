"""Move `latest.json` of a video in S3. Writers compare and swap, so none undoes another's move."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.storage.pointer import Pointer
from pipeline.storage.result_store import LATEST, json_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.storage.s3.bucket import Bucket


def promote(bucket: Bucket, video_prefix: str, run_id: str, finished: str) -> None:
    """Make `latest.json` name a result, whatever it names now, because a person decided so.

    The source and the sequencer stay. So only uploads that are newer than those already seen move
    it afterwards.

    Args:
        bucket: the bucket of the results.
        video_prefix: `<prefix>/<video key>`, without a slash at the end.
        run_id: the run id of the result. Its manifest was checked.
        finished: when the result was finished, as in its manifest.

    Raises:
        BrokenError, RetryableError: `latest.json` cannot be read or written.
    """
    new = Pointer(run_id, finished)
    _swap(bucket, video_prefix, lambda now: now.with_result(run_id, finished) if now else new)


def advance(bucket: Bucket, video_prefix: str, pointer: Pointer) -> bool:
    """Make `latest.json` name a newer result, unless it must stay.

    It stays if it belongs to another source bucket, or if its sequencer is equal or later. A
    pointer without a sequencer must be that of the current version of the video; the sequencer in
    `latest.json` stays then, so that earlier uploads do not move it afterwards.

    Args:
        bucket: the bucket of the results.
        video_prefix: `<prefix>/<video key>`, without a slash at the end.
        pointer: the result, with the source and the sequencer of its upload.

    Returns:
        Whether `latest.json` names this result now.

    Raises:
        BrokenError, RetryableError: `latest.json` cannot be read or written.
    """
    standing = _swap(bucket, video_prefix, lambda now: _later(now, pointer))
    same_source = standing.source_bucket == pointer.source_bucket
    return same_source and standing.run_id == pointer.run_id


def _swap(
    bucket: Bucket, video_prefix: str, choose: Callable[[Pointer | None], Pointer]
) -> Pointer:
    """Replace the current pointer by the chosen one, and return it.

    It is read again whenever a write did not take place, or its answer was lost.
    """
    key = f"{video_prefix}/{LATEST}"
    while True:
        stored = bucket.get(key)
        now = None if stored is None else Pointer.parse(stored.data, bucket.uri(key))
        chosen = choose(now)
        if chosen == now:
            return chosen
        data = json_bytes(chosen.to_json())
        if stored is None:
            written = bucket.create(key, data)
        else:
            written = bucket.replace(key, data, stored.etag)
        if written:
            return chosen


def _later(now: Pointer | None, new: Pointer) -> Pointer:
    """Return the pointer that must stand: the current or the new one."""
    if now is None:
        return new
    if now.source_bucket not in {None, new.source_bucket}:
        return now
    if new.sequencer is None:
        return replace(new, sequencer=now.sequencer)
    if now.sequencer is not None and not _is_later(new.sequencer, now.sequencer):
        return now
    return new


def _is_later(sequencer: str, other: str) -> bool:
    """Return whether an event came after another event of the same key.

    Their sequencers are hex digits. The shorter one is filled up with zeros on the right:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
    """
    length = max(len(sequencer), len(other))
    return sequencer.upper().ljust(length, "0") > other.upper().ljust(length, "0")
