"""Find small changes between two frames of one scene, such as a person who comes into a yard.

A person of a thousandth of the picture changes no bit of a hash. So frames that are near by hash
or by area means are compared once more, by the mean luma of 64 x 36 patches. Some changes of these
means say nothing. They are taken out, or a change must be larger where they are:

- Light: the share by which the brightness changes around a patch is taken out.
- Noise, leaves and waves: a change must be larger than most changes around it.
- Compression, and a camera that trembles: at an edge, a change must be larger than a share of it.

docs/decisions/0052 says why, and bench/RESULTS.md what was measured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SHORT_SIDE, _LONG_SIDE = 36, 64
PATCHES = _SHORT_SIDE * _LONG_SIDE
"""Number of patches of a frame: 36 x 64. A person of 0.05 % of the picture covers one."""

# A change is what is larger than the sum of these: levels, a multiple of the activity around it,
# and a share of the edge. With less, noise at night and trembling cameras are changes; with more,
# people of 0.05 % of the picture are none.
_LEAST_LEVELS, _LEAST_OF_ACTIVITY, _LEAST_OF_EDGE = 3.0, 2.5, 0.1
# Noise of the mean of two patches, as a share of that of one.
_NOISE_OF_TWO = np.float32(np.sqrt(0.5))
# Side of the surroundings of a patch. An object of 1 % of the picture, at its old and at its new
# place, covers less than half of them. So it does not change their median. OpenCV needs twice the
# time for 15.
_SURROUNDINGS = 17
# Half of the surroundings of a shore is land. So a patch has the largest activity within this.
_REACH_OF_ACTIVITY = np.ones((9, 9), np.uint8)
_NEIGHBOURS = np.ones((3, 3), np.uint8)
# Added to the brightness, so that noise in black parts is not taken for light.
_DARK_OFFSET = np.float32(16)
# OpenCV's medians of large surroundings are of 8 bits: shares in 1/256, activity in 1/4 levels.
_SHARE_STEPS, _NO_SHARE, _ACTIVITY_STEPS = np.float32(256), np.float32(128), np.float32(4)


def detail_of(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the mean luma of each patch of a grey image (H x W uint8).

    There are 36 x 64 patches (rows x columns), or 64 x 36 if the image is upright.
    """
    height, width = grey.shape
    size = (_LONG_SIDE, _SHORT_SIDE) if width >= height else (_SHORT_SIDE, _LONG_SIDE)
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def has_small_change(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> bool:
    """Tell whether something small has come, gone or moved between two frames of a scene.

    Args:
        before: the detail of a frame, as `detail_of` returns it, or in one row.
        after: the detail of the other frame, as `detail_of` returns it. Both are wide, or upright.
    """
    before = before.reshape(after.shape)
    change = _without_light(before, after)
    if np.abs(change).max() <= _LEAST_LEVELS:
        return False
    edge = np.minimum(_edges(before), _edges(after)).astype(np.float32)
    patches = _Patches(change, _activity(change), edge)
    return patches.has_change() or patches.in_pairs().has_change()


def squared_differences(rows: NDArray[np.uint8], detail: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return how much each detail (N x patches) differs from one of them, apart from brightness.

    It is the variance of the differences of the patches, times the square of their number.
    """
    differences = rows.astype(np.int16) - detail
    squares = np.square(differences, dtype=np.int32).sum(axis=1, dtype=np.int64)
    return np.asarray(PATCHES * squares - np.square(differences.sum(axis=1, dtype=np.int64)))


class _Patches(NamedTuple):
    """What is compared of each patch, in levels: float32 of one shape.

    Attributes:
        change: the change of luma, without that of the light.
        activity: how large most changes around it are.
        edge: the difference to the patches next to it, in both frames.
    """

    change: NDArray[np.float32]
    activity: NDArray[np.float32]
    edge: NDArray[np.float32]

    def in_pairs(self) -> _Patches:
        """Return the pairs of two patches, one above the other, because people are tall.

        In the mean of two patches, noise is weaker.
        """
        return _Patches(
            (self.change[:-1] + self.change[1:]) / np.float32(2),
            np.maximum(self.activity[:-1], self.activity[1:]) * _NOISE_OF_TWO,
            np.maximum(self.edge[:-1], self.edge[1:]),
        )

    def has_change(self) -> bool:
        least = _LEAST_LEVELS + _LEAST_OF_ACTIVITY * self.activity + _LEAST_OF_EDGE * self.edge
        return bool((np.abs(self.change) > least).any())


def _without_light(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the change of each patch, less the share of its brightness that changed around it."""
    brightness = before + _DARK_OFFSET
    change = (after + _DARK_OFFSET) - brightness
    shares = _median_around(change / brightness * _SHARE_STEPS + _NO_SHARE)
    return np.asarray(change - (shares - _NO_SHARE) / _SHARE_STEPS * brightness)


def _activity(change: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how large most changes around each patch are.

    Waves and leaves do not change all patches at once, so the largest change of neighbours counts.
    """
    largest = cv2.dilate(np.abs(change) * _ACTIVITY_STEPS, _NEIGHBOURS)
    medians = _median_around(np.asarray(largest, dtype=np.float32)) / _ACTIVITY_STEPS
    return np.asarray(cv2.dilate(medians, _REACH_OF_ACTIVITY), dtype=np.float32)


def _median_around(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the medians of the surroundings of patches, rounded, from values of 0 to 255.

    Beyond the border the picture is mirrored. OpenCV's median would repeat the patches at the
    border there, and so most of the surroundings of a corner would be an object in it.
    """
    rounded = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    reach = _SURROUNDINGS // 2
    mirrored = cv2.copyMakeBorder(rounded, reach, reach, reach, reach, cv2.BORDER_REFLECT_101)
    medians = cv2.medianBlur(mirrored, _SURROUNDINGS)[reach:-reach, reach:-reach]
    return np.asarray(medians, dtype=np.float32)


def _edges(detail: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the difference between the brightest and the darkest patch next to each patch."""
    brightest, darkest = cv2.dilate(detail, _NEIGHBOURS), cv2.erode(detail, _NEIGHBOURS)
    return np.asarray(cv2.subtract(brightest, darkest), dtype=np.uint8)
