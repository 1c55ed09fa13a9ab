"""Opening a video with OpenCV: that very file, by the demuxer of what it is, and nothing else."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, cast

import cv2

from pipeline.bounds import bound_allocations, claim_of, excess
from pipeline.container import HEAD_BYTES, container_of, why_unopened
from pipeline.coverage import Claim
from pipeline.errors import RejectedError

if TYPE_CHECKING:
    from pipeline.config import Limits
    from pipeline.container import Container
    from pipeline.stream import GuardedStream

# FFmpeg's own messages name no file and no remedy; ours do. Read when the first video opens.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
# OpenCV's, of files that it fails to open: they end as rejections, in our words.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

# A cover has no rate; FFmpeg gives it that of its clock.
_COVER_RATE = 90_000
# What is read has time limits of its own, and the decoder is watched from outside.
_NEVER_MS = 24 * 3600 * 1000
# Enough to tell too many streams from a damaged header.
_STREAMS_COUNTED = 5000


def open_capture(
    stream: GuardedStream,
    name: str,
    limits: Limits,
    *,
    threads: int,
    packets: bool = False,
) -> tuple[cv2.VideoCapture, Claim]:
    """Open the video in a stream, and return what its header claims; the caller releases it.

    A stream, not a path: FFmpeg takes `12:30.mp4` for a protocol, `cam_%03d.mp4` for a
    sequence of pictures, and dies of a name that is not UTF-8.

    Args:
        stream: read from its beginning; the caller closes it.
        name: what to call it in messages.
        limits: the most that the video may ask for.
        threads: how many the decoder may use.
        packets: grab packets, undecoded, instead of frames.

    Raises:
        RejectedError: it is empty, not a video, cut short, has no video stream, or is over a limit.
        Exception: whatever reading the stream raises.
    """
    container = _container(stream, name)
    bound_allocations(limits)
    capture = _opened(stream, container, threads, packets=packets, max_streams=limits.streams)
    claim = claim_of(capture, container, stream.size) if capture.isOpened() else Claim()
    fault = _fault(capture, claim, stream, container, limits)
    stream.check()
    if fault is not None:
        capture.release()
        reason, sentence = fault
        raise RejectedError(reason, f"{name} {sentence}")
    return capture, claim


def _container(stream: GuardedStream, name: str) -> Container:
    stream.rewind()
    head = stream.read(HEAD_BYTES)
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


def _opened(
    stream: GuardedStream,
    container: Container,
    threads: int,
    *,
    packets: bool = False,
    **options: object,
) -> cv2.VideoCapture:
    """Return the capture, opened or not; options are those of FFmpeg's demuxers."""
    allowed = {"protocol_whitelist": "file", "format_whitelist": container.demuxer}
    os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = "|".join(
        f"{key};{value}" for key, value in {**allowed, **options}.items()
    )
    stream.rewind()
    # The stubs ask for OpenCV's own IStreamReader; in Python any BufferedIOBase is one.
    reader = cast("Any", stream)
    parameters = [
        *(cv2.CAP_PROP_N_THREADS, threads),
        # Else FFmpeg ends a video after 30 seconds of waiting, without a word.
        *(cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, _NEVER_MS),
        *(cv2.CAP_PROP_READ_TIMEOUT_MSEC, _NEVER_MS),
    ]
    if packets:
        parameters += [cv2.CAP_PROP_FORMAT, -1]
    capture = cv2.VideoCapture(reader, cv2.CAP_FFMPEG, parameters)
    stream.check()
    return capture


def _fault(
    capture: cv2.VideoCapture,
    claim: Claim,
    stream: GuardedStream,
    container: Container,
    limits: Limits,
) -> tuple[str, str] | None:
    """Return the reason, as a word and as a sentence, that the video is not taken."""
    if not capture.isOpened():
        return _too_many_streams(stream, container, limits) or why_unopened(stream, container)
    if _is_cover(capture, container):
        return why_unopened(stream, container)
    return excess(capture, claim, limits)


def _is_cover(capture: cv2.VideoCapture, container: Container) -> bool:
    """Tell whether all the video that there is in an mp4 is the cover picture of its sound."""
    return container.name == "mp4" and capture.get(cv2.CAP_PROP_FPS) == _COVER_RATE


def _too_many_streams(
    stream: GuardedStream, container: Container, limits: Limits
) -> tuple[str, str] | None:
    """Return the fault if the file opens with more streams than the limit, none of them decoded."""
    capture = _opened(
        stream,
        container,
        threads=1,
        max_streams=_STREAMS_COUNTED,
        codec_whitelist="none",
        probesize=32,
    )
    if not capture.isOpened():
        return None
    capture.release()
    return "too_many_streams", (
        f"has more than {limits.streams} streams (pictures, sound, subtitles). "
        "Keep those that you need, or raise limits.streams."
    )
