"""Find small changes between two frames of one scene, such as a person who comes into a yard.

A person of a thousandth of the picture changes no bit of a hash. So frames that are near by hash
or by area means are compared once more, by the mean luma of 80 x 45 patches. Some changes of these
means say nothing. They are taken out, or a change must be larger where they are:

- Light: the share by which the brightness changes around a patch is taken out. What is left must be
  larger than most of what was taken out, because lamps and clouds do not light all patches alike.
- Noise, leaves and waves: a change must be larger than most changes around it.
- Compression, and a camera that trembles: at an edge, a change must be larger than a share of it.

These limits are those of independent causes, so their squares are added.
docs/decisions/0052 says why, and bench/RESULTS.md what was measured.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SHORT_SIDE, _LONG_SIDE = 45, 80
PATCHES = _SHORT_SIDE * _LONG_SIDE
"""Number of patches of a frame: 45 x 80. A person of 0.05 % of the picture covers two."""

# H.264 at crf 30 changes patches of a picture without noise by up to 5 levels.
_LEAST_LEVELS = np.float32(5)
# In noise, the activity is 1.8 standard deviations. So a change is 4.6 of them, and a pair of
# changes has 1.2 times the square of that. In about one of 100 pairs of frames, noise alone is as
# large somewhere among the 3,600 patches.
_LEAST_OF_ACTIVITY, _LEAST_OF_PAIR = np.float32(2.6), np.float32(1.2)
# Of a pair, one change at least has half of the sum.
_LEAST_OF_EACH = _LEAST_OF_PAIR / 2
# In noise, the usual activity is 2.8 times the median size of changes. H.264 takes small changes
# away and leaves large ones. Then it is more, and the changes by H.264 add up with the noise.
_COARSE = np.float32(2.9)
# An object of 0.05 % differs from its background by 10 levels and more. With larger shares, it is
# missed at edges; with smaller ones, leaves, trembling cameras and flicker are changes.
_LEAST_OF_EDGE, _LEAST_OF_LIGHT = np.float32(0.4), np.float32(0.75)
# Noise decides where it is half of the limit, and not many times the usual as at leaves and waves.
_NOISE_OF_LIMIT, _NOISE_OF_USUAL = np.float32(0.5), np.float32(1.5)
# Surroundings are 20 x 20 patches: of each 4 x 4 patches, the median of 3 x 3 is taken, and then
# the median of 5 x 5 such medians. An object of 1 % of the picture, at its old and new place,
# decides at most 12 of the 25, so it does not change their median. OpenCV's median of all 400
# takes five times as long.
_STEP, _MEDIANS = 4, 5
_BORDER = _MEDIANS // 2
_BORDERS = (_BORDER, _BORDER, _BORDER, _BORDER)
_NEIGHBOURS = np.ones((3, 3), np.uint8)
# Added to the brightness, so that noise in black parts is not taken for light.
_DARK_OFFSET = np.float32(16)


def detail_of(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the mean luma of each patch of a grey image (H x W uint8).

    There are 45 x 80 patches (rows x columns), or 80 x 45 if the image is upright.
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
    change, light = _without_light(before, after)
    squares = np.square(change)
    if squares.max() <= _LEAST_OF_EACH * _LEAST_LEVELS**2:
        return False
    noise = _Noise.of(change)
    floor = noise.with_levels()
    if not (squares > _LEAST_OF_EACH * floor).any():
        return False
    # Noise makes edges too. It is in the activity already.
    edge = np.maximum(np.minimum(_edges(before), _edges(after)) - noise.usual, 0)
    limit = floor + np.square(_LEAST_OF_EDGE * edge) + np.square(_LEAST_OF_LIGHT * light)
    excess = squares / limit
    if excess.max() > 1:
        return True
    excess *= noise.decides(limit)
    return bool((excess[:-1] + excess[1:]).max() > _LEAST_OF_PAIR)


def largest_changes(rows: NDArray[np.uint8], detail: NDArray[np.uint8]) -> NDArray[np.int16]:
    """Return the largest change from a detail to each row (N x patches), apart from brightness."""
    changes = np.subtract(rows, detail, dtype=np.int16)
    brighter = np.rint(changes.sum(axis=1, dtype=np.int32) / PATCHES).astype(np.int16)
    return np.asarray(np.maximum(changes.max(axis=1) - brighter, brighter - changes.min(axis=1)))


class _Noise(NamedTuple):
    """What noise, leaves and waves change, in levels.

    Attributes:
        activity: how large most changes around each patch are.
        usual: the median of the activity.
        is_coarse: whether H.264 has taken small changes away.
    """

    activity: NDArray[np.float32]
    usual: np.float32
    is_coarse: bool

    @classmethod
    def of(cls, change: NDArray[np.float32]) -> _Noise:
        """Return the noise in the changes of all patches."""
        sizes = np.abs(np.abs(change) + _parts_of_a_level(change.shape))
        activity = _activity(sizes)
        usual = _median(activity)
        return cls(activity, usual, bool(usual > _COARSE * _median(sizes)))

    def with_levels(self) -> NDArray[np.float32]:
        """Return the square of the limit by noise, or by the levels that H.264 changes."""
        levels = _LEAST_LEVELS**2
        return self._squares() + levels if self.is_coarse else np.maximum(self._squares(), levels)

    def decides(self, limit: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Return where the limit is by the noise of a sensor alone, from the squares of limits.

        There, two patches one above the other say more than one, because people are tall. Leaves,
        waves and the blocks of H.264 are wider than a patch, but such noise is not.
        """
        if self.is_coarse:
            return np.zeros(limit.shape, np.bool_)
        is_most = self._squares() > _NOISE_OF_LIMIT * limit
        return np.asarray(is_most & (self.activity <= _NOISE_OF_USUAL * self.usual))

    def _squares(self) -> NDArray[np.float32]:
        return np.asarray(np.square(_LEAST_OF_ACTIVITY * self.activity))


def _without_light(
    before: NDArray[np.uint8], after: NDArray[np.uint8]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the change of each patch without that of the light around it, and that of the light.

    Light multiplies, so it is the share of its brightness by which a patch usually changes there.
    """
    first, second = before.astype(np.float32), after.astype(np.float32)
    brightness = (first + second) / np.float32(2) + _DARK_OFFSET
    change = second - first
    light = _light_around(change / brightness) * brightness
    return change - light, light


def _light_around(shares: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the medians of the surroundings. Beyond the border, light goes on as it changes."""
    few = _few_medians(shares)
    border = cv2.copyMakeBorder(few, *_BORDERS, cv2.BORDER_REPLICATE)
    return _for_each_patch(_medians_around(2 * border - _mirrored(few)), shares.shape)


def _activity(sizes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how large most changes around each patch are, from the sizes of all changes.

    Waves and leaves do not change all patches at once, so the largest change of neighbours counts.
    Half of the surroundings of a shore is land, so the largest of 3 x 3 surroundings counts.
    """
    largest = np.asarray(cv2.dilate(sizes, _NEIGHBOURS), dtype=np.float32)
    medians = cv2.dilate(_medians_around(_mirrored(_few_medians(largest))), _NEIGHBOURS)
    return _for_each_patch(np.asarray(medians, dtype=np.float32), sizes.shape)


def _median(values: NDArray[np.float32]) -> np.float32:
    """Return the median. NumPy's takes four times as long."""
    middle = values.size // 2
    return np.float32(np.partition(values.ravel(), middle)[middle])


@cache
def _parts_of_a_level(shape: tuple[int, int]) -> NDArray[np.float32]:
    """Return numbers of -0.5 to 0.5, spread evenly, to add to differences of whole levels.

    Without them, a median would be a whole level too, and so up to a third too small.
    """
    rows, columns = np.indices(shape)
    # Multiples of these fill a square evenly. https://oeis.org/A060006
    return ((0.7548777 * columns + 0.5698403 * rows) % 1 - 0.5).astype(np.float32)


def _few_medians(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the medians of 3 x 3 patches, one for each 4 x 4 patches."""
    return np.asarray(cv2.medianBlur(values, 3)[_STEP // 2 :: _STEP, _STEP // 2 :: _STEP])


def _mirrored(few: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the values with a border in which they are mirrored.

    If they were repeated there, most of the surroundings of a corner would be an object in it.
    """
    return np.asarray(cv2.copyMakeBorder(few, *_BORDERS, cv2.BORDER_REFLECT_101))


def _medians_around(few: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the median of the 5 x 5 values around each, which have a border."""
    medians = cv2.medianBlur(few, _MEDIANS)[_BORDER:-_BORDER, _BORDER:-_BORDER]
    return np.ascontiguousarray(medians)


def _for_each_patch(few: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return a value for each patch, between those of one for each 4 x 4 patches."""
    return np.asarray(cv2.resize(few, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR))


def _edges(detail: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the difference between the brightest and the darkest patch next to each patch."""
    brightest, darkest = cv2.dilate(detail, _NEIGHBOURS), cv2.erode(detail, _NEIGHBOURS)
    return np.asarray(cv2.subtract(brightest, darkest), dtype=np.uint8)
