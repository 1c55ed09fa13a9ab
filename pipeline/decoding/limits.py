"""Limits on what one video may cost: memory, picture size and length."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

from pipeline.errors import RejectedError

if TYPE_CHECKING:
    from pipeline.config.schema import LimitsConfig
    from pipeline.decoding.backend import Capture
    from pipeline.decoding.header import HeaderInfo
    from pipeline.storage.source import VideoSource

# A BGR pixel is 3 bytes; the fourth leaves room for padding.
_BYTES_PER_PIXEL = 4
# The scaler maps colours of HDR in RGBA of 16 bits, in rows that are aligned.
_CONVERSION_BYTES_PER_PIXEL = 8
_PADDING = 64
# FFmpeg allocates an mp4's index at once, 24 bytes a frame. This is enough for 48 hours at 30 fps.
_INDEX_BYTES = 128 * 2**20


def limit_allocations(limits: LimitsConfig, library: str, images: tuple[int, int] = (0, 0)) -> None:
    """Limit each single allocation of FFmpeg to the size of the largest allowed picture.

    A picture can be larger than the header says, and its size can change within a video. FFmpeg's
    allocator sees every picture, so the limit is set there. It applies to the whole process.
    Builds that do not export `av_max_alloc` have only the check of the header.
    https://ffmpeg.org/doxygen/8.1/group__lavu__mem__misc.html

    Args:
        limits: the configured limits.
        library: path of a library through which FFmpeg's functions can be called.
        images: width and height of the video's images, once they are known to be allowed. They may
            be converted through twice as many bytes.
    """
    set_largest_allocation = getattr(ctypes.CDLL(library), "av_max_alloc", None)
    if set_largest_allocation is not None:
        picture_bytes = int(limits.megapixels * 1_000_000 * _BYTES_PER_PIXEL)
        width, height = (side + _PADDING for side in images)
        largest = max(_INDEX_BYTES, picture_bytes, width * height * _CONVERSION_BYTES_PER_PIXEL)
        set_largest_allocation(ctypes.c_size_t(largest))


def check_file_size(source: VideoSource, limits: LimitsConfig) -> None:
    """Check the size of a video before anything of it is decoded.

    Raises:
        RejectedError: it is larger than `limits.gigabytes`.
    """
    gigabytes = source.size / 1_000_000_000
    if gigabytes > limits.gigabytes:
        raise RejectedError(
            "too_large",
            f"{source.uri} is a file of {gigabytes:.3g} GB; the limit is {limits.gigabytes:g}. "
            "Cut the video into parts, or raise limits.gigabytes.",
        )


def exceeded_limit(
    capture: Capture, header: HeaderInfo, limits: LimitsConfig
) -> tuple[str, str] | None:
    """Return which limit an opened video exceeds: a reason code and a sentence. None if none.

    Args:
        capture: an opened capture from which nothing was grabbed yet.
        header: what the video's header says.
        limits: the configured limits.
    """
    width, height = capture.width, capture.height
    if width * height > limits.megapixels * 1_000_000:
        return "too_large", (
            f"has pictures of {width}x{height} ({width * height / 1_000_000:.1f} megapixels)"
            f"{_stored(capture)}; the limit is {limits.megapixels:g}. Scale the video down, or "
            "raise limits.megapixels and the memory."
        )
    hours = (header.seconds or 0) / 3600
    if hours > limits.hours:
        return "too_long", too_long_sentence("has a header that says it is", hours, limits)
    return None


def _stored(capture: Capture) -> str:
    """Return how the pictures are stored, if square pixels make them larger, and the setting."""
    display = capture.display
    if capture.width * capture.height == display.stored_width * display.stored_height:
        return ""
    return (
        f" once their pixels of {display.sample_aspect_ratio} are square (stored: "
        f"{display.stored_width}x{display.stored_height}; decoding.square_pixels=false keeps that)"
    )


def check_length(name: str, pts_ms: float, limits: LimitsConfig) -> None:
    """Check how far a video was decoded, because its header may be wrong.

    Args:
        name: name of the video in messages.
        pts_ms: presentation time of the last frame, in milliseconds.
        limits: the configured limits.

    Raises:
        RejectedError: it is longer than `limits.hours`.
    """
    hours = pts_ms / 3_600_000
    if hours > limits.hours:
        raise RejectedError("too_long", f"{name} {too_long_sentence('is at least', hours, limits)}")


def too_long_sentence(verb: str, hours: float, limits: LimitsConfig) -> str:
    """Return the end of the rejection sentence for a video that is too long."""
    return (
        f"{verb} {hours:.1f} hours long; the limit is {limits.hours:g}. "
        "Cut the video into parts, or raise limits.hours."
    )


def stalled_error(name: str, limits: LimitsConfig) -> RejectedError:
    """Return the rejection of a video that stalls the decoder."""
    return RejectedError(
        "stalled",
        f"{name} stalls the decoder: it yielded no frame for {limits.stalled_seconds:g} seconds. "
        "Encode it again, or raise limits.stalled_seconds.",
    )
