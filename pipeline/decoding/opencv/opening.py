"""Open a video with OpenCV."""

from __future__ import annotations

import os
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Any, cast

import cv2

from pipeline.decoding.opencv.capture import OpenCvCapture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.decoding.containers.container import Container
    from pipeline.decoding.stream import GuardedStream

# FFmpeg's own messages name neither the file nor a remedy. Read when the first video is opened.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
# OpenCV logs files that it cannot open. They end as rejections with a message of their own.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

_OPTIONS_VARIABLE = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
_OPENING = Lock()
# FFmpeg's own time-outs are switched off: reads have time-outs, and the decoder has a watchdog.
_NO_TIMEOUT_MS = 24 * 3600 * 1000


def open_with_opencv(  # noqa: PLR0913 - what is opened, and how
    stream: GuardedStream,
    container: Container,
    threads: int,
    *,
    codecs: tuple[str, ...] | None = None,
    packets: bool = False,
    square_pixels: bool = True,
    **options: str | int,
) -> OpenCvCapture | None:
    """Open the video in a stream with OpenCV; return None if it does not open.

    Args:
        stream: read from its beginning.
        container: the only container that it may be.
        threads: number of threads the decoder may use.
        codecs: the only decoders that may be used, tried in this order; None: any.
        packets: grab packets, which are not decoded, instead of frames.
        square_pixels: make images of square pixels.
        options: further options of FFmpeg's demuxers.

    Raises:
        Exception: whatever reading the stream raised.
    """
    all_options = {
        "protocol_whitelist": "file",
        "format_whitelist": container.demuxer,
        **options,
    }
    choices: list[dict[str, str | int]] = [
        {"codec_whitelist": codec, "video_codec": codec} for codec in codecs or ()
    ]
    for choice in [{}] if codecs is None else choices:
        capture = _capture(stream, threads, {**all_options, **choice}, packets=packets)
        if capture is not None:
            return OpenCvCapture(capture, stream, square_pixels=square_pixels)
    return None


def _capture(
    stream: GuardedStream, threads: int, options: dict[str, str | int], *, packets: bool
) -> cv2.VideoCapture | None:
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
    return capture if capture.isOpened() else None


@contextmanager
def _ffmpeg_options(options: dict[str, str | int]) -> Iterator[None]:
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
