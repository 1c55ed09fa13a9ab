"""Fingerprints: what frames are compared by.

The bits of a perceptual hash are signs of differences between areas. In a flat frame, or where
sensor noise is stronger than the texture, these signs are arbitrary: equal in all flat frames,
and 28 to 38 of 64 bits different between two frames of one dark scene. So a fingerprint also
holds the mean colours of 8 x 8 areas, in which noise averages out, and the strength of the texture,
which tells whether the hash can be trusted. Both miss small objects, which the detail shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from pipeline.deduplication.hashing import hash_of_grey, shrink, to_grey
from pipeline.deduplication.small_changes import detail_of

if TYPE_CHECKING:
    from imagehash import ImageHash
    from numpy.typing import NDArray

    from pipeline.config.schema import HashMethodName
    from pipeline.frame import Image

# At 320 x 240, each of 8 x 8 areas averages 1,200 pixels, so noise of 25 levels becomes 0.7 levels.
# 16 x 16 areas do not tell scenes apart better, and take four times the memory.
_AREAS_A_SIDE = 8
_AREAS = _AREAS_A_SIDE * _AREAS_A_SIDE
AREA_MEANS = _AREAS * 3
"""Number of area means of a frame: 8 x 8 areas, three planes."""

MAX_MEAN_DIFFERENCE = 4
"""Largest difference of any area mean, in grey levels, between two views of one scene.

Measured: static scenes differ by at most 3, with noise of 25 levels at 320 x 240 or with H.264 at
crf 28. Two views of a dim pan differ by 6 or more, a person who comes into the light makes 19.
"""

# An image reduced for smaller hashes has too few pixels for the patches of the detail.
_LEAST_HASH_SIZE = 8
# The area means of a flat frame differ by no more than two views of it may, in either direction.
_FLAT_SPREAD = 2 * MAX_MEAN_DIFFERENCE
# A fade from black to white in 12 samples.
_FADE_STEP = 21

# Texture is the median amplitude in the DCT of 8 x 8 areas; 1 is a wave of a quarter grey level.
# Flat frames have up to 0.3 after H.264, a panned texture has 0.6 or more.
MIN_TEXTURE_TO_MATCH = 0.5
"""Above this texture, equal hashes mean equal frames. Flat frames, whose hashes are all equal, have
less."""

MIN_TEXTURE_TO_DIFFER = 5.0
"""Above this texture, different hashes mean different frames: in static scenes with noise of 25
levels at 320 x 240 at most 4 of 64 bits change. At half of it 8 bits change, at a quarter 14. The
street of the sample has 8.5 or more."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What one frame is compared by.

    Attributes:
        hash: perceptual hash.
        area_means: 192 uint8: the means of 8 x 8 areas in YCrCb, plane by plane.
        texture: strength of the texture, see `texture_strength`.
        mean_luma: mean of the luma plane, 0 to 255.
        detail: 45 x 80 uint8, or 80 x 45 of an upright image: the mean luma of small patches.
    """

    hash: ImageHash
    area_means: NDArray[np.uint8]
    texture: float
    mean_luma: int
    detail: NDArray[np.uint8]

    @classmethod
    def of(cls, image: Image, method: HashMethodName, hash_size: int) -> Fingerprint:
        """Return the fingerprint of an image (H x W x 3 uint8 BGR)."""
        small = shrink(image, max(hash_size, _LEAST_HASH_SIZE))
        grey = to_grey(small)
        means = area_means(small)
        return cls(
            hash=hash_of_grey(grey, method, hash_size),
            area_means=means,
            texture=texture_strength(grey),
            mean_luma=round(float(means[:_AREAS].mean())),
            detail=detail_of(grey),
        )

    def fades_from(self, previous: Fingerprint) -> bool:
        """Tell whether this frame is flat and a small step away from the sample before it.

        Dropping such a frame loses nothing, because it shows a plain colour that came gradually.
        """
        spread = np.ptp(self.area_means.reshape(3, _AREAS), axis=1).max()
        is_flat = self.texture <= MIN_TEXTURE_TO_MATCH and spread <= _FLAT_SPREAD
        step = largest_mean_difference(previous.area_means, self.area_means)
        return bool(is_flat and step <= _FADE_STEP)


def area_means(image: Image) -> NDArray[np.uint8]:
    """Return the means of 8 x 8 areas of an image (H x W x 3 uint8 BGR), plane by plane.

    They are in YCrCb, because video codecs store chroma more coarsely than luma.
    """
    areas = cv2.resize(image, (_AREAS_A_SIDE, _AREAS_A_SIDE), interpolation=cv2.INTER_AREA)
    planes = cv2.cvtColor(areas, cv2.COLOR_BGR2YCrCb).transpose(2, 0, 1)
    return np.asarray(planes, dtype=np.uint8).ravel()


def texture_strength(grey: NDArray[np.uint8]) -> float:
    """Return the median amplitude in the DCT of 8 x 8 areas of a grey image (H x W uint8).

    The bits of a perceptual hash are signs of such amplitudes. Noise flips the small ones.
    """
    size = (_AREAS_A_SIDE, _AREAS_A_SIDE)
    areas = cv2.resize(grey.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    return float(np.median(np.abs(cv2.dct(areas))))


def largest_mean_difference(rows: NDArray[np.uint8], means: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the largest difference between `means` (192) and each row (... x 192), in levels."""
    differences = np.maximum(rows, means) - np.minimum(rows, means)
    return np.asarray(differences.max(axis=-1))
