"""Opening a video with OpenCV: that very file, by the demuxer of what it is, and nothing else."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, cast

import cv2

from pipeline.container import HEAD_BYTES, container_of, why_unopened
from pipeline.errors import RejectedError

if TYPE_CHECKING:
    from pipeline.container import Container
    from pipeline.stream import ByteStream, GuardedStream

# FFmpeg's own messages name no file and no remedy; ours do. Read when the first video opens.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
# OpenCV's, of files that it fails to open: they end as rejections, in our words.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


def open_capture(stream: GuardedStream, name: str, *, threads: int) -> cv2.VideoCapture:
    """Open the video in a stream; the caller releases it.

    A stream, not a path: FFmpeg takes `12:30.mp4` for a protocol, `cam_%03d.mp4` for a
    sequence of pictures, and dies of a name that is not UTF-8.

    Args:
        stream: at its beginning; the caller closes it.
        name: what to call it in messages.
        threads: how many the decoder may use.

    Raises:
        RejectedError: it is empty, not a video, cut short, or has no video stream.
        Exception: whatever reading the stream raises.
    """
    container = _container(stream, name)
    os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = (
        f"protocol_whitelist;file|format_whitelist;{container.demuxer}"
    )
    # The stubs ask for OpenCV's own IStreamReader; in Python any BufferedIOBase is one.
    reader = cast("Any", stream)
    capture = cv2.VideoCapture(reader, cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, threads])
    stream.check()
    if not capture.isOpened():
        reason, sentence = why_unopened(stream, container)
        stream.check()
        raise RejectedError(reason, f"{name} {sentence}")
    return capture


def _container(stream: ByteStream, name: str) -> Container:
    head = stream.read(HEAD_BYTES)
    stream.seek(0)
    if not head:
        raise RejectedError("empty", f"{name} is empty (0 bytes).")
    container = container_of(head)
    if container is None:
        raise RejectedError(
            "not_a_video",
            f"{name} is not a video: its first bytes are of no container that pretag reads "
            "(mp4, mov, mkv, webm, avi, mpeg-ts, mpeg-ps, flv, wmv, ogg, mxf).",
        )
    return container
