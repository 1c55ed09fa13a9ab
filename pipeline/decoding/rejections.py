"""Explain why a video does not open, or why no frame of it decodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.decoding.containers.container import HEAD_BYTES, detect_container
from pipeline.decoding.containers.encryption import protection_fault
from pipeline.decoding.containers.open_failure import explain_open_failure, missing_frames_fault
from pipeline.errors import RejectedError

if TYPE_CHECKING:
    from pipeline.config.schema import LimitsConfig
    from pipeline.decoding.backend import Capture
    from pipeline.decoding.opener import Opener
    from pipeline.decoding.stream import GuardedStream

# High enough to tell a file with too many streams from one with a damaged header.
_STREAMS_TO_COUNT = 5000


def rejection(name: str, fault: tuple[str, str]) -> RejectedError:
    """Return the rejection for a fault: a reason code and the end of a sentence."""
    reason, sentence = fault
    return RejectedError(reason, f"{name} {sentence}")


def open_error(opener: Opener, name: str, limits: LimitsConfig) -> RejectedError:
    """Return why a video did not open.

    Raises:
        Exception: whatever reading the stream raised.
    """
    fault = _refused_codec(opener, limits) or _too_many_streams(opener, limits)
    return no_film_error(opener, name) if fault is None else rejection(name, fault)


def no_film_error(opener: Opener, name: str) -> RejectedError:
    """Return why a file within the limits has no film.

    Raises:
        Exception: whatever reading the stream raised.
    """
    fault = explain_open_failure(opener.stream, opener.container)
    opener.stream.raise_pending_error()
    return rejection(name, fault)


def no_frame_error(capture: Capture, stream: GuardedStream, name: str) -> RejectedError:
    """Return why no frame of a video decodes that opened.

    Raises:
        Exception: whatever reading the stream raised.
    """
    stream.seek(0)
    fault = missing_frames_fault(stream, detect_container(stream.read(HEAD_BYTES)))
    stream.raise_pending_error()
    codec = f"'{capture.fourcc}'" if capture.fourcc else "unknown"
    sentence = (
        f"has a video stream (codec {codec}), but no frame of it could be decoded: the codec is "
        "not supported, or the data is damaged. Convert it to H.264: "
        "ffmpeg -i IN -c:v libx264 OUT.mp4"
    )
    return rejection(name, fault or ("no_decodable_frame", sentence))


def check_protection(stream: GuardedStream, name: str) -> None:
    """Check a video of which most frames do not decode: encrypted ones give a few of noise.

    Raises:
        RejectedError: it is called protected.
        Exception: whatever reading the stream raised.
    """
    fault = protection_fault(stream)
    stream.raise_pending_error()
    if fault is not None:
        raise rejection(name, fault)


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
    """Return the fault if the file opens only once more streams are allowed."""
    if _opens_with(opener, limits.streams) or not _opens_with(opener, _STREAMS_TO_COUNT):
        return None
    return "too_many_streams", (
        f"has more than {limits.streams} streams (video, sound, subtitles). "
        "Keep the ones you need, or raise limits.streams."
    )


def _opens_with(opener: Opener, streams: int) -> bool:
    """Tell whether the header of a file opens with so many streams. Nothing is decoded."""
    capture = opener.open(1, max_streams=streams, codec_whitelist="none", probesize=32)
    if capture is None:
        return False
    capture.release()
    return True
