"""The length of a video by its header, without decoding a frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.decoding.capture import open_capture
from pipeline.decoding.stream import GuardedStream

if TYPE_CHECKING:
    from pipeline.config.schema import LimitsConfig
    from pipeline.storage.source import ByteStream


def header_seconds(stream: ByteStream, name: str, limits: LimitsConfig) -> float | None:
    """Return the length of a video in seconds, as its header says it; None if it does not.

    Never call it in the main thread, as `Video` says.

    Args:
        stream: readable and seekable; the caller closes it.
        name: name of the video in messages.
        limits: the limits that hold.

    Raises:
        RejectedError: the video would be rejected.
        Exception: whatever reading the stream raised.
    """
    # Named, because OpenCV must not drop the last reference: it would do so without Python's lock.
    guarded = GuardedStream(stream)
    capture, header = open_capture(guarded, name, limits, threads=1)
    capture.release()
    return header.seconds
