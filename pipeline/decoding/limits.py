"""Limits on what one video may cost: memory, picture size and length."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, cast

import cv2

from pipeline.errors import RejectedError

if TYPE_CHECKING:
    from types import ModuleType

    from pipeline.config.schema import LimitsConfig
    from pipeline.decoding.header import HeaderInfo
    from pipeline.storage.source import VideoSource

# A BGR pixel is 3 bytes; the fourth leaves room for padding.
_BYTES_PER_PIXEL = 4
# FFmpeg allocates an mp4's index at once, 24 bytes a frame. This is enough for 48 hours at 30 fps.
_INDEX_BYTES = 128 * 2**20


def limit_allocations(limits: LimitsConfig) -> None:
    """Limit each single allocation of FFmpeg to the size of the largest allowed picture.

    A picture can be larger than the header says, and its size can change within a video. FFmpeg's
    allocator sees every picture, so the limit is set there. It applies to the whole process.
    Builds of OpenCV that do not export `av_max_alloc` have only the check of the header.
    https://ffmpeg.org/doxygen/8.1/group__lavu__mem__misc.html
    """
    native = cast("ModuleType", vars(cv2).get("_native", cv2))
    set_largest_allocation = getattr(ctypes.CDLL(native.__file__), "av_max_alloc", None)
    if set_largest_allocation is not None:
        picture_bytes = int(limits.megapixels * 1_000_000 * _BYTES_PER_PIXEL)
        set_largest_allocation(ctypes.c_size_t(max(_INDEX_BYTES, picture_bytes)))


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
    capture: cv2.VideoCapture, header: HeaderInfo, limits: LimitsConfig
) -> tuple[str, str] | None:
    """Return which limit an opened video exceeds: a reason code and a sentence. None if none.

    Args:
        capture: an opened capture from which nothing was grabbed yet.
        header: what the video's header says.
        limits: the configured limits.
    """
    width = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH))
    height = int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
    if width * height > limits.megapixels * 1_000_000:
        return "too_large", (
            f"has pictures of {width}x{height} ({width * height / 1_000_000:.1f} megapixels); the "
            f"limit is {limits.megapixels:g}. Scale the video down, or raise limits.megapixels "
            "and the memory."
        )
    hours = (header.seconds or 0) / 3600
    if hours > limits.hours:
        return "too_long", too_long_sentence("has a header that says it is", hours, limits)
    return None


def too_long_sentence(verb: str, hours: float, limits: LimitsConfig) -> str:
    """Return the end of the rejection sentence for a video that is too long."""
    return (
        f"{verb} {hours:.1f} hours long; the limit is {limits.hours:g}. "
        "Cut the video into parts, or raise limits.hours."
    )
