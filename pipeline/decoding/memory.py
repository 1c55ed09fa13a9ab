"""The memory that a video's images take, known when the video is open.

Measured with 8K clips (7680x4320), as the peak of the handler with the default model and of the
decoder's process together, on 1 CPU: 758 to 959 MB for H.264 with one sample in ten frames, 766 to
968 MB where every frame is sampled. The least was 531 MB, for a single frame of Motion JPEG.
docs/decisions/0031-know-time-and-memory.md has all figures, and what they may miss.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.resources.capacity import LARGEST_FUNCTION

if TYPE_CHECKING:
    from pipeline.resources.capacity import Capacity

# Resident memory of the handler with boto3 and the default model after one detection, 185 MB, and
# private memory of the process of the decoder before it reads a video, 20 MB. The other 25 MB of it
# are libraries, which the two share.
_PROCESS_MEGABYTES = 205
_BYTES_A_PIXEL = 3
# YUV 4:2:0 of 8 bits, the smallest that cameras write.
_DECODED_BYTES_A_PIXEL = 1.5
# OpenCV's own copy, the image that it hands out, and the one before it, which is being detected in
# or compared. The decoder holds the picture itself.
_FEWEST_IMAGES, _FEWEST_DECODED = 3, 1
# H.264 and HEVC refer to at most 16 pictures. Each thread of the decoder holds one more.
_MOST_REFERENCES = 16
_MEGABYTE = 2**20

MOST_AHEAD = 16
"""Most frames that the decoder's process has handed over before they were asked for."""

_MOST_AHEAD_BYTES = 64 * _MEGABYTE  # 10 images of 1080p
# Of the memory of a function, which must hold the rest too.
_MOST_AHEAD_SHARE = 1 / 32


def most_ahead_bytes(capacity: Capacity | None) -> int:
    """Return how many bytes these frames may take. One frame may take more if it is the only one.

    Args:
        capacity: what the function has; None on other machines.
    """
    if capacity is None:
        return _MOST_AHEAD_BYTES
    return min(_MOST_AHEAD_BYTES, int(capacity.megabytes * _MEGABYTE * _MOST_AHEAD_SHARE))


def memory_shortage(
    width: int, height: int, threads: int, capacity: Capacity, *, stored_pixels: int
) -> str | None:
    """Return why the images of a video do not fit the memory of a function; None if they may fit.

    Only what every video needs counts, so a video that would fit is never refused. How far the
    stages run ahead of each other depends on their speed; the most that they can hold is in the
    sentence, because it is the memory that is always enough for usual videos.

    Args:
        width: width of the images, in pixels.
        height: height of the images, in pixels.
        threads: number of CPUs, on which the look-ahead of the stages depends.
        capacity: what the function has.
        stored_pixels: number of pixels of the decoder's picture. It has fewer of them than the
            images if its pixels are not square.

    Returns:
        The end of a sentence that begins with the name of the video, and what to do.
    """
    pixels = width * height
    least = _megabytes(pixels, _FEWEST_IMAGES, stored_pixels, _FEWEST_DECODED)
    if least <= capacity.megabytes:
        return None
    image = pixels * _BYTES_A_PIXEL / _MEGABYTE
    images = _most_images(threads) + _images_ahead(pixels * _BYTES_A_PIXEL, capacity)
    most = _megabytes(pixels, images, stored_pixels, threads + _MOST_REFERENCES)
    can_raise = most <= LARGEST_FUNCTION.megabytes
    remedy = f"Raise MemoryMegabytes to {most:.0f} or more, or scale" if can_raise else "Scale"
    return (
        f"has images of {width}x{height} ({pixels / 1_000_000:.1f} megapixels, {image:.0f} MB "
        f"each). It needs at least {least:.0f} MB of memory: {_FEWEST_IMAGES} images at a time, "
        f"the decoder's picture, and {_PROCESS_MEGABYTES} MB for the processes; up to {most:.0f} "
        f"MB while all stages are busy. The function has {capacity.megabytes} MB. "
        f"{remedy} the video down: ffmpeg -i IN -vf scale=1920:-2 OUT.mp4"
    )


def _most_images(threads: int) -> int:
    """Return how many images exist at a time where the detector is slower than the decoder.

    The queue after the decoder and the window of the detector hold one more than there are CPUs
    (`OrderedExecutor`). One is OpenCV's own.
    """
    return 2 * (threads + 1) + 1


def _images_ahead(image_bytes: int, capacity: Capacity) -> int:
    return min(MOST_AHEAD, most_ahead_bytes(capacity) // image_bytes)


def _megabytes(pixels: int, images: int, stored_pixels: int, decoded: int) -> float:
    image_bytes = images * pixels * _BYTES_A_PIXEL
    decoded_bytes = decoded * stored_pixels * _DECODED_BYTES_A_PIXEL
    return _PROCESS_MEGABYTES + (image_bytes + decoded_bytes) / _MEGABYTE
