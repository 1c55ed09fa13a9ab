"""What frames are compared by: a hash, and what tells when the hash says nothing.

A hash's bits are signs of differences. Where a frame is flat, or its texture drowns in sensor
noise, they are coins: equal on all flat frames, another 30 of 64 on each frame of a dark scene.
The tones, means over large areas, know neither trouble: they keep the level that bits forget, and
average noise away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from pipeline.hashing import halve, hash_of_grey, to_grey

if TYPE_CHECKING:
    from imagehash import ImageHash
    from numpy.typing import NDArray

    from pipeline.config import HashMethodName
    from pipeline.frame import Image

# 8 x 8 areas: at 320 x 240 each averages 1,200 pixels, which leaves 0.7 of a noise of 25 levels.
# 16 x 16 tell scenes apart no better, and take four times the memory.
_SIDE = 8
_LUMAS = _SIDE * _SIDE
TONES = _LUMAS * 3
"""Tones of a frame."""

TONE_REACH = 4
"""Grey levels by which the worst tone differs in two views of one scene.

Measured on static scenes: up to 3 with noise of 25 levels at 320 x 240, or with H.264 at crf 28;
6 and more between two views of a dim pan, 19 where a person comes into the light.
"""

# A flat frame's tones differ by no more than two views of it may, either way.
_FLAT_SPREAD = 2 * TONE_REACH
# From black to white in 12 samples.
_FADE_STEP = 21

# The median wave's strength in the DCT of 8 x 8 areas (1 is a wave of a quarter grey level). Flat
# frames have up to 0.3 after H.264; a panned texture has 0.6 and more.
CLEAR_RELIEF = 0.5
"""Above it bits can tell that two frames are alike: flat frames, which all collide, lie below."""

CRISP_RELIEF = 5.0
"""Above it bits can tell that they are not: static scenes with noise of 25 levels at 320 x 240
move at most 4 of 64; at half of it 8, at a quarter 14. The sample's street has 8.5 and more."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A frame as the deduplication sees it.

    Attributes:
        bits: its perceptual hash.
        tones: 192 uint8, the 8 x 8 area means in YCrCb, plane by plane.
        relief: strength of the texture that bits are made of, see `relief_of`.
        light: mean luma, 0 to 255.
    """

    bits: ImageHash
    tones: NDArray[np.uint8]
    relief: float
    light: int

    @classmethod
    def of(cls, image: Image, method: HashMethodName, hash_size: int) -> Fingerprint:
        """Return a frame's fingerprint: of H x W x 3 uint8 BGR, and of nothing else."""
        small = halve(image, hash_size)
        grey = to_grey(small)
        tones = tones_of(small)
        return cls(
            bits=hash_of_grey(grey, method, hash_size),
            tones=tones,
            relief=relief_of(grey),
            light=round(float(tones[:_LUMAS].mean())),
        )

    def fades_from(self, before: Fingerprint) -> bool:
        """Tell whether this frame, flat now, is a small step from the sample before it.

        Nothing is lost with it: what it shows is only a tone, and that came gradually.
        """
        spread = np.ptp(self.tones.reshape(3, _LUMAS), axis=1).max()
        step = tone_distances(before.tones, self.tones)
        return bool(self.relief <= CLEAR_RELIEF and spread <= _FLAT_SPREAD and step <= _FADE_STEP)


def tones_of(image: Image) -> NDArray[np.uint8]:
    """Return the picture's tones. In YCrCb, because codecs are coarsest with chroma."""
    areas = cv2.resize(image, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    planes = cv2.cvtColor(areas, cv2.COLOR_BGR2YCrCb).transpose(2, 0, 1)
    return np.asarray(planes, dtype=np.uint8).ravel()


def relief_of(grey: NDArray[np.uint8]) -> float:
    """Return how strong the median wave of a picture is: by so much do half of the bits stand."""
    areas = cv2.resize(grey.astype(np.float32), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    return float(np.median(np.abs(cv2.dct(areas))))


def tone_distances(rows: NDArray[np.uint8], mine: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the largest difference of any tone between these and each row: ... x 192 uint8."""
    differences = np.maximum(rows, mine) - np.minimum(rows, mine)
    return np.asarray(differences.max(axis=-1))
