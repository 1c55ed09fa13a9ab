"""Open a video with OpenCV: only this stream, and only with the demuxer of its container."""

from __future__ import annotations

import os
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any, cast

import cv2

from pipeline.decoding.container import HEAD_BYTES, detect_container, explain_open_failure
from pipeline.decoding.header import HeaderInfo, read_header
from pipeline.decoding.limits import exceeded_limit, limit_allocations
from pipeline.decoding.memory import memory_shortage
from pipeline.errors import CapacityError, RejectedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.capacity import Capacity
    from pipeline.config.schema import LimitsConfig
    from pipeline.decoding.container import Container
    from pipeline.decoding.stream import GuardedStream

# FFmpeg's own messages name neither the file nor a remedy. Read when the first video is opened.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
# OpenCV logs files that it cannot open. They end as rejections with a message of their own.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

_OPTIONS_VARIABLE = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
_OPENING = Lock()
# A cover image has no frame rate; FFmpeg reports the rate of its clock.
_COVER_IMAGE_RATE = 90_000
# FFmpeg's own time-outs are switched off: reads have time-outs, and the decoder has a watchdog.
_NO_TIMEOUT_MS = 24 * 3600 * 1000
# High enough to tell a file with too many streams from one with a damaged header.
_STREAMS_TO_COUNT = 5000


def open_capture(  # noqa: PLR0913 - the options that OpenCV needs, and what the video may cost
    stream: GuardedStream,
    name: str,
    limits: LimitsConfig,
    *,
    threads: int,
    packets: bool = False,
    capacity: Capacity | None = None,
) -> tuple[cv2.VideoCapture, HeaderInfo]:
    """Open the video in a stream. The caller releases the capture.

    OpenCV gets a stream and not a path. FFmpeg takes `12:30.mp4` for a protocol and `cam_%03d.mp4`
    for a sequence of images, and crashes on a name that is not UTF-8.

    Args:
        stream: read from its beginning; the caller closes it.
        name: name of the video in messages.
        limits: the configured limits.
        threads: number of threads the decoder may use.
        packets: grab packets, which are not decoded, instead of frames.
        capacity: what the function has, of which the memory is checked; None: no check.

    Returns:
        The opened capture, and what the header says.

    Raises:
        RejectedError: the stream is empty, not a video, cut short, without a video stream, or
            exceeds a limit.
        CapacityError: its images do not fit the memory of the function.
        Exception: whatever reading the stream raised.
    """
    container = _container(stream, name)
    limit_allocations(limits)
    capture = _open(stream, container, threads, packets=packets, max_streams=limits.streams)
    header = read_header(capture, container, stream.size) if capture.isOpened() else HeaderInfo()
    fault = _fault(capture, header, stream, container, limits)
    stream.raise_pending_error()
    if fault is not None:
        capture.release()
        reason, sentence = fault
        raise RejectedError(reason, f"{name} {sentence}")
    shortage = None if capacity is None else _memory_shortage(capture, threads, capacity)
    if shortage is not None:
        capture.release()
        raise CapacityError("too_large_for_function", f"{name} {shortage}")
    return capture, header


def _memory_shortage(capture: cv2.VideoCapture, threads: int, capacity: Capacity) -> str | None:
    width = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH))
    height = int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
    return memory_shortage(width, height, threads, capacity)


def _container(stream: GuardedStream, name: str) -> Container:
    stream.rewind()
    head = stream.read(HEAD_BYTES)
    stream.raise_pending_error()
    if not head:
        raise RejectedError("empty", f"{name} is empty (0 bytes). Upload it again.")
    container = detect_container(head)
    if container is None:
        raise RejectedError(
            "not_a_video",
            f"{name} is not a video that pretag reads: its first bytes match no known container "
            "(mp4, mov, mkv, webm, avi, mpeg-ts, mpeg-ps, flv, wmv, ogg, mxf). "
            "Convert it to mp4: ffmpeg -i IN OUT.mp4",
        )
    return container


def _open(
    stream: GuardedStream,
    container: Container,
    threads: int,
    *,
    packets: bool = False,
    **demuxer_options: object,
) -> cv2.VideoCapture:
    """Return the capture, which may have failed to open."""
    options = {
        "protocol_whitelist": "file",
        "format_whitelist": container.demuxer,
        **demuxer_options,
    }
    stream.rewind()
    # OpenCV's type stubs ask for IStreamReader; in Python any BufferedIOBase is accepted.
    reader = cast("Any", stream)
    parameters = [
        *(cv2.CAP_PROP_N_THREADS, threads),
        # By default FFmpeg ends a video silently after 30 seconds of waiting.
        *(cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, _NO_TIMEOUT_MS),
        *(cv2.CAP_PROP_READ_TIMEOUT_MSEC, _NO_TIMEOUT_MS),
    ]
    if packets:
        parameters += [cv2.CAP_PROP_FORMAT, -1]
    with _ffmpeg_options(options):
        capture = cv2.VideoCapture(reader, cv2.CAP_FFMPEG, parameters)
    stream.raise_pending_error()
    return capture


@contextmanager
def _ffmpeg_options(options: dict[str, object]) -> Iterator[None]:
    """Set FFmpeg's options for the capture that is opened in the block, and for no other.

    OpenCV takes them from an environment variable. If it stayed set, captures that other code of
    the process opens would be refused.
    """
    with _OPENING:
        before = os.environ.get(_OPTIONS_VARIABLE)
        os.environ[_OPTIONS_VARIABLE] = "|".join(f"{key};{each}" for key, each in options.items())
        try:
            yield
        finally:
            if before is None:
                del os.environ[_OPTIONS_VARIABLE]
            else:
                os.environ[_OPTIONS_VARIABLE] = before


def _fault(
    capture: cv2.VideoCapture,
    header: HeaderInfo,
    stream: GuardedStream,
    container: Container,
    limits: LimitsConfig,
) -> tuple[str, str] | None:
    """Return why the video is rejected: a reason code and a sentence. None if it is accepted."""
    if not capture.isOpened():
        too_many = _too_many_streams(stream, container, limits)
        return too_many or explain_open_failure(stream, container)
    if _is_cover_image(capture, container):
        return explain_open_failure(stream, container)
    return exceeded_limit(capture, header, limits)


def _is_cover_image(capture: cv2.VideoCapture, container: Container) -> bool:
    """Tell whether the only video in an mp4 is the cover image of its sound."""
    return container.name == "mp4" and capture.get(cv2.CAP_PROP_FPS) == _COVER_IMAGE_RATE


def _too_many_streams(
    stream: GuardedStream, container: Container, limits: LimitsConfig
) -> tuple[str, str] | None:
    """Return the fault if the file opens once more streams are allowed. Nothing is decoded."""
    capture = _open(
        stream,
        container,
        threads=1,
        max_streams=_STREAMS_TO_COUNT,
        codec_whitelist="none",
        probesize=32,
    )
    if not capture.isOpened():
        return None
    capture.release()
    return "too_many_streams", (
        f"has more than {limits.streams} streams (video, sound, subtitles). "
        "Keep the ones you need, or raise limits.streams."
    )
