"""Perceptual hashes of frames, with imagehash's types, names and bits.

imagehash works on the full picture: 9 ms for 1080p, 16 if its channels are turned in place. Here
a frame is first halved, and halved again, by area means: all its pixels count, at a sixth of the
cost, and at most 2 of 64 bits move on textured frames. The hash itself is imagehash's, bit for
bit, on the reduced frame.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import imagehash
import numpy as np
from imagehash import ImageHash
from PIL import Image as PillowImage

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from pipeline.config import HashMethodName
    from pipeline.frame import Image

# imagehash's own: the DCT is of a picture 4 times as large as the hash.
_HIGHFREQ_FACTOR = 4
# A reduced frame keeps this many pixels a hash bit's side: 128 pixels for 8 bits and the DCT.
# With half of them 4 bits move; skipping every other row as well moves 4 on a real clip.
_PIXELS_PER_BIT = 16


def perceptual_hash(image: Image, method: HashMethodName, hash_size: int) -> ImageHash:
    """Return the hash of a frame, `hash_size` x `hash_size` bits.

    Args:
        image: H x W x 3 uint8 BGR.
        method: imagehash's name of the method.
        hash_size: side of the hash in bits.
    """
    return hash_of_grey(reduce(image, hash_size), method, hash_size)


def hash_of_grey(grey: NDArray[np.uint8], method: HashMethodName, hash_size: int) -> ImageHash:
    """Return the hash of a reduced frame: H x W uint8."""
    return _METHODS[method](PillowImage.fromarray(grey), hash_size)


def reduce(image: Image, hash_size: int) -> NDArray[np.uint8]:
    """Return the frame reduced for hashes of this size, in grey: H x W uint8."""
    return to_grey(halve(image, hash_size))


def halve(image: Image, hash_size: int) -> Image:
    """Return the frame, halved as often as hashes of this size allow.

    OpenCV has a fast path for 2 x 2 means, and for no other factor: three halvings of 1080p take
    0.6 ms, one reduction by 8 takes 1.5. An odd last row or column is left out.
    """
    while min(image.shape[:2]) // 2 >= hash_size * _PIXELS_PER_BIT:
        height, width = image.shape[0] // 2, image.shape[1] // 2
        even = image[: 2 * height, : 2 * width]
        halved = cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA)
        image = np.asarray(halved, dtype=np.uint8)
    return image


def to_grey(image: Image) -> NDArray[np.uint8]:
    """Return a BGR picture's luma: H x W uint8."""
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), dtype=np.uint8)


def _phash(grey: PillowImage.Image, hash_size: int) -> ImageHash:
    """Compute imagehash.phash with OpenCV's DCT: importing scipy's takes 0.4 s.

    OpenCV's is orthonormal, scipy.fftpack's is not: row and column 0 differ by sqrt(2).
    https://docs.scipy.org/doc/scipy/reference/generated/scipy.fftpack.dct.html
    """
    side = hash_size * _HIGHFREQ_FACTOR
    pixels = np.asarray(grey.resize((side, side), PillowImage.Resampling.LANCZOS), dtype=np.float64)
    low = np.asarray(cv2.dct(pixels)[:hash_size, :hash_size], dtype=np.float64)
    low[0, :] *= math.sqrt(2)
    low[:, 0] *= math.sqrt(2)
    return ImageHash(low > np.median(low))


_METHODS: dict[HashMethodName, Callable[[PillowImage.Image, int], ImageHash]] = {
    "phash": _phash,
    "dhash": imagehash.dhash,
    "average_hash": imagehash.average_hash,
    "whash": imagehash.whash,
}
