"""Open a video: only this stream, and only with the demuxer of its container."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.decoding.backend import bottom_up_error
from pipeline.decoding.container import HEAD_BYTES, detect_container, explain_open_failure
from pipeline.decoding.header import read_header
from pipeline.decoding.limits import exceeded_limit, limit_allocations
from pipeline.decoding.memory import memory_shortage
from pipeline.decoding.misread import opencv_misreads
from pipeline.decoding.opener import Opener
from pipeline.errors import CapacityError, RejectedError

if TYPE_CHECKING:
    from pipeline.config.schema import LimitsConfig
    from pipeline.decoding.backend import BackendName, Capture
    from pipeline.decoding.container import Container
    from pipeline.decoding.header import HeaderInfo
    from pipeline.decoding.stream import GuardedStream
    from pipeline.resources.capacity import Capacity

# A cover image has no frame rate; FFmpeg reports the rate of its clock.
_COVER_IMAGE_RATE = 90_000
# High enough to tell a file with too many streams from one with a damaged header.
_STREAMS_TO_COUNT = 5000


def open_capture(  # noqa: PLR0913 - the options of the decoder, and what the video may cost
    stream: GuardedStream,
    name: str,
    limits: LimitsConfig,
    *,
    threads: int,
    backend: BackendName = "opencv",
    packets: bool = False,
    capacity: Capacity | None = None,
) -> tuple[Capture, HeaderInfo]:
    """Open the video in a stream. The caller releases the capture.

    The decoder gets a stream and not a path. FFmpeg takes `12:30.mp4` for a protocol and
    `cam_%03d.mp4` for a sequence of images, and crashes on a name that is not UTF-8.

    Args:
        stream: read from its beginning; the caller closes it.
        name: name of the video in messages.
        limits: the configured limits.
        threads: number of threads the decoder may use.
        backend: the library that decodes. A process must use only one.
        packets: grab packets, which are not decoded, instead of frames; of OpenCV only.
        capacity: what the function has, of which the memory is checked; None: no check.

    Returns:
        The opened capture, and what the header says. With OpenCV it is a `SeekableCapture`.

    Raises:
        RejectedError: the stream is empty, not a video, cut short, without a video stream, or
            exceeds a limit.
        CapacityError: its images do not fit the memory of the function.
        UnconvertibleError: it is known at once that OpenCV cannot convert its images.
        Exception: whatever reading the stream raised.
    """
    container = _container(stream, name, backend)
    opener = Opener(backend, stream, container)
    limit_allocations(limits, opener.library)
    capture = opener.open(
        threads, packets=packets, codecs=limits.codecs, max_streams=limits.streams
    )
    if capture is None:
        reason, sentence = _open_failure(opener, limits)
        stream.raise_pending_error()
        raise RejectedError(reason, f"{name} {sentence}")
    header = read_header(capture, container, stream.size)
    fault = _cover_image(capture, opener) or exceeded_limit(capture, header, limits)
    stream.raise_pending_error()
    error = (
        _unreadable(capture, name, threads, capacity)
        if fault is None
        else RejectedError(fault[0], f"{name} {fault[1]}")
    )
    if error is not None:
        capture.release()
        raise error
    return capture, header


def _container(stream: GuardedStream, name: str, backend: BackendName) -> Container:
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
    if backend == "opencv" and opencv_misreads(head):
        raise bottom_up_error(name)
    return container


def _unreadable(
    capture: Capture, name: str, threads: int, capacity: Capacity | None
) -> RejectedError | None:
    """Return why the images cannot be had: not rightly, or not in this memory."""
    if capture.is_misread:
        return bottom_up_error(name)
    if capacity is None:
        return None
    shortage = memory_shortage(capture.width, capture.height, threads, capacity)
    if shortage is None:
        return None
    return CapacityError("too_large_for_function", f"{name} {shortage}")


def _cover_image(capture: Capture, opener: Opener) -> tuple[str, str] | None:
    """Return the fault if the only video in an mp4 is the cover image of its sound."""
    if opener.container.name == "mp4" and capture.fps == _COVER_IMAGE_RATE:
        return explain_open_failure(opener.stream, opener.container)
    return None


def _open_failure(opener: Opener, limits: LimitsConfig) -> tuple[str, str]:
    """Return why the video did not open: a reason code and the end of a sentence."""
    return (
        _refused_codec(opener, limits)
        or _too_many_streams(opener, limits)
        or explain_open_failure(opener.stream, opener.container)
    )


def _refused_codec(opener: Opener, limits: LimitsConfig) -> tuple[str, str] | None:
    """Return the fault if the file opens with a codec that is not allowed. Nothing is decoded."""
    if limits.codecs is None:
        return None
    capture = opener.open(1, max_streams=limits.streams, codec_whitelist="none")
    if capture is None:
        return None
    codec = capture.codec_name
    capture.release()
    return "codec_not_allowed", (
        f"uses the codec {codec}; limits.codecs allows {', '.join(limits.codecs)} only. Convert "
        "it to one of these, or add the codec to limits.codecs."
    )


def _too_many_streams(opener: Opener, limits: LimitsConfig) -> tuple[str, str] | None:
    """Return the fault if the file opens once more streams are allowed. Nothing is decoded."""
    capture = opener.open(1, max_streams=_STREAMS_TO_COUNT, codec_whitelist="none", probesize=32)
    if capture is None:
        return None
    capture.release()
    return "too_many_streams", (
        f"has more than {limits.streams} streams (video, sound, subtitles). "
        "Keep the ones you need, or raise limits.streams."
    )
