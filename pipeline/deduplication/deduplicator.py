"""Find near-duplicates among kept frames.

Between frames with enough texture, the Hamming distance of their hashes decides. The hash of a flat
frame says nothing, so between flat frames the mean colours of their areas decide. In between,
frames are duplicates by either.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

import numpy as np

from pipeline.deduplication.fingerprint import (
    AREA_MEANS,
    MAX_MEAN_DIFFERENCE,
    MIN_TEXTURE_TO_DIFFER,
    MIN_TEXTURE_TO_MATCH,
    largest_mean_difference,
)
from pipeline.frame import DuplicateMatch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.config.schema import DedupeConfig
    from pipeline.deduplication.fingerprint import Fingerprint

# A hash does not change with brightness. A scene that was dark (mean luma below the first number)
# and is brighter by the second number is kept again.
_DARK_LUMA, _LIT_UP_BY = 48, 24


class Deduplicator:
    """Holds the fingerprints of kept frames, and finds the one that a frame duplicates.

    Each segment has a deduplicator of its own. One more, for the merge, gets the frames that the
    segments kept.
    """

    def __init__(self, config: DedupeConfig, reason_suffix: str = "") -> None:
        """Create a deduplicator that holds no frames.

        Args:
            config: largest distance, number of kept frames to compare with, and hash size.
            reason_suffix: appended to the reason of each match.
        """
        self._max_distance = config.max_distance
        self._compare_with = config.compare_with
        self._reason_suffix = reason_suffix
        self._indexes: list[int] = []
        self._kept = np.empty(64, dtype=_row_type(config.hash_size))

    def find_duplicate(self, fingerprint: Fingerprint) -> DuplicateMatch | None:
        """Return the kept frame that a frame duplicates; None if there is none.

        The nearest frame by hash is returned, or else the nearest by area means. Of frames equally
        near, the latest is returned.
        """
        count = len(self._indexes)
        first = 0 if self._compare_with is None else max(0, count - self._compare_with)
        kept = self._kept[first:count]
        by_hash = np.flatnonzero(_can_match_by_hash(kept, fingerprint))
        distances = _hamming_distances(kept["hash"][by_hash], fingerprint)
        row = _nearest(by_hash, distances, self._max_distance)
        if row is not None:
            return self._match(first + row, fingerprint, "duplicate")
        by_means = np.flatnonzero(_can_match_by_means(kept, fingerprint))
        differences = largest_mean_difference(kept["area_means"][by_means], fingerprint.area_means)
        row = _nearest(by_means, differences, MAX_MEAN_DIFFERENCE)
        return None if row is None else self._match(first + row, fingerprint, "same_colours")

    def match_with(self, index: int, fingerprint: Fingerprint, reason: str) -> DuplicateMatch:
        """Return a match with the kept frame of this frame index."""
        return self._match(bisect_left(self._indexes, index), fingerprint, reason)

    def keep(self, index: int, fingerprint: Fingerprint) -> None:
        """Add a kept frame. Frame indexes must ascend."""
        count = len(self._indexes)
        if count == len(self._kept):
            self._kept = np.concatenate([self._kept, np.empty_like(self._kept)])
        self._kept[count] = (
            _packed_hash(fingerprint),
            fingerprint.area_means,
            fingerprint.texture,
            fingerprint.mean_luma,
        )
        self._indexes.append(index)

    def _match(self, row: int, fingerprint: Fingerprint, reason: str) -> DuplicateMatch:
        distance = int(_hamming_distances(self._kept["hash"][row : row + 1], fingerprint)[0])
        return DuplicateMatch(self._indexes[row], distance, reason + self._reason_suffix)


def _row_type(hash_size: int) -> np.dtype[np.void]:
    """Return the dtype of a kept frame's row: 205 bytes with a hash of 64 bits."""
    packed_bytes = (hash_size**2 + 7) // 8
    return np.dtype([
        ("hash", np.uint8, packed_bytes), ("area_means", np.uint8, AREA_MEANS),
        ("texture", np.float32), ("mean_luma", np.uint8),
    ])  # fmt: skip


def _packed_hash(fingerprint: Fingerprint) -> NDArray[np.uint8]:
    return np.packbits(fingerprint.hash.hash.ravel())


def _hamming_distances(
    packed_hashes: NDArray[np.uint8], fingerprint: Fingerprint
) -> NDArray[np.int64]:
    """Return the number of bits in which each hash (N x bytes) differs from the fingerprint's."""
    differing = np.bitwise_count(packed_hashes ^ _packed_hash(fingerprint))
    return np.asarray(differing.sum(axis=1, dtype=np.int64))


def _can_match_by_hash(kept: NDArray[np.void], fingerprint: Fingerprint) -> NDArray[np.bool_]:
    """Return for which kept frames equal hashes mean equal frames.

    Both frames need enough texture, and the later one must not be a dark scene that was lit up.
    """
    luma = kept["mean_luma"].astype(np.int64)
    needed_luma = np.maximum(_DARK_LUMA, luma + _LIT_UP_BY)
    is_lit_up = (luma < _DARK_LUMA) & (fingerprint.mean_luma >= needed_luma)
    texture = np.minimum(kept["texture"], fingerprint.texture)
    return np.asarray((texture > MIN_TEXTURE_TO_MATCH) & ~is_lit_up)


def _can_match_by_means(kept: NDArray[np.void], fingerprint: Fingerprint) -> NDArray[np.bool_]:
    """Return for which kept frames different hashes do not mean different frames.

    At least one of the two has little texture, and their mean luma is about equal.
    """
    texture = np.minimum(kept["texture"], fingerprint.texture)
    # If all area means differ by at most n, so do their means, but for the rounding of both.
    difference = np.abs(kept["mean_luma"].astype(np.int64) - fingerprint.mean_luma)
    has_same_luma = difference <= MAX_MEAN_DIFFERENCE + 1
    return np.asarray((texture <= MIN_TEXTURE_TO_DIFFER) & has_same_luma)


def _nearest(
    rows: NDArray[np.intp], distances: NDArray[np.int64] | NDArray[np.uint8], at_most: int
) -> int | None:
    """Return the row with the smallest distance, the last of equals; None if all are too far."""
    if not len(rows):
        return None
    nearest = len(rows) - 1 - int(np.argmin(distances[::-1]))
    return int(rows[nearest]) if distances[nearest] <= at_most else None
