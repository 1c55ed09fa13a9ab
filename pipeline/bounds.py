"""What a video may ask of the machine: so much memory, and no larger or longer than configured."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, cast

import cv2

from pipeline.coverage import Claim

if TYPE_CHECKING:
    from types import ModuleType

    from pipeline.config import Limits
    from pipeline.container import Container

# OpenCV's BGR is 3 bytes a pixel; the fourth is room for padding.
_BYTES_PER_PIXEL = 4
# An mp4's index is one allocation too, 24 bytes a frame: this is 48 hours of 30 frames a second.
_INDEX_BYTES = 128 * 2**20


def bound_allocations(limits: Limits) -> None:
    """Let FFmpeg allocate no more at once than a picture within the limit takes.

    Opening a video decodes its first picture, whose size may be another than the header's, and it
    may change later: only FFmpeg's own allocator meets them all. It holds for the whole process.
    A build of OpenCV that hides its FFmpeg does without; the size is checked after opening too.
    https://ffmpeg.org/doxygen/8.1/group__lavu__mem__misc.html
    """
    native = cast("ModuleType", vars(cv2).get("_native", cv2))
    allocate_at_most = getattr(ctypes.CDLL(native.__file__), "av_max_alloc", None)
    if allocate_at_most is not None:
        pixels = limits.megapixels * 1_000_000
        largest = max(_INDEX_BYTES, int(pixels * _BYTES_PER_PIXEL))
        allocate_at_most(ctypes.c_size_t(largest))


def excess(capture: cv2.VideoCapture, claim: Claim, limits: Limits) -> tuple[str, str] | None:
    """Return the reason, as a word and as a sentence, that an opened video is over a limit.

    Args:
        capture: opened, nothing grabbed.
        claim: what its header says.
        limits: the most that it may have.
    """
    width = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH))
    height = int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
    if width * height > limits.megapixels * 1_000_000:
        return "too_large", (
            f"has pictures of {width}x{height} ({width * height / 1_000_000:.1f} megapixels); the "
            f"limit is {limits.megapixels:g}. Scale it down, or raise limits.megapixels and, with "
            "it, the memory."
        )
    hours = (claim.seconds or 0) / 3600
    if hours > limits.hours:
        return "too_long", too_long("says that it is", hours, limits)
    return None


def too_long(verb: str, hours: float, limits: Limits) -> str:
    """Return the end of the sentence for a video of so many hours."""
    return (
        f"{verb} {hours:.1f} hours long; the limit is {limits.hours:g}. "
        "Cut it into parts, or raise limits.hours."
    )


def claim_of(capture: cv2.VideoCapture, container: Container, size: int) -> Claim:
    """Return what the header says; nothing if it claims more frames than the file has bytes."""
    rate = capture.get(cv2.CAP_PROP_FPS)
    count = capture.get(cv2.CAP_PROP_FRAME_COUNT)
    if not (rate > 0 and 0 < count <= size):
        return Claim()
    return Claim(count / rate, int(count) if container.has_index else None)
