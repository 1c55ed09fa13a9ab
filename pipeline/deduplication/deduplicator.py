"""Find near-duplicates among kept frames.

Between frames with enough texture, the Hamming distance of their hashes decides. The hash of a flat
frame says nothing, so between flat frames the mean colours of their areas decide. In between,
frames are duplicates by either.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

import numpy as np

from pipeline.deduplication.candidates import HashCandidates, LumaCandidates
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
# If all area means differ by at most n, so do their means, but for the rounding of both.
_MAX_LUMA_DIFFERENCE = MAX_MEAN_DIFFERENCE + 1
_MEANS_STEP = 16


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
        self._hashes = HashCandidates(config.max_distance, config.hash_size**2)
        self._lumas = LumaCandidates(_MAX_LUMA_DIFFERENCE)
        self._weak_lumas = LumaCandidates(_MAX_LUMA_DIFFERENCE)

    def find_duplicate(self, fingerprint: Fingerprint) -> DuplicateMatch | None:
        """Return the kept frame that a frame duplicates; None if there is none.

        The nearest frame by hash is returned, or else the nearest by area means. Of frames equally
        near, the latest is returned.
        """
        row = self._nearest_by_hash(fingerprint)
        if row is not None:
            return self._match(row, fingerprint, "duplicate")
        row = self._nearest_by_means(fingerprint)
        return None if row is None else self._match(row, fingerprint, "same_colours")

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
        if fingerprint.texture > MIN_TEXTURE_TO_MATCH:
            self._hashes.add(count, fingerprint)
        self._lumas.add(count, fingerprint)
        if fingerprint.texture <= MIN_TEXTURE_TO_DIFFER:
            self._weak_lumas.add(count, fingerprint)

    def _nearest_by_hash(self, fingerprint: Fingerprint) -> int | None:
        """Return the row that is nearest by hash; None if none is near, or hashes say nothing."""
        if fingerprint.texture <= MIN_TEXTURE_TO_MATCH:
            return None
        rows = self._compared(self._hashes.near(fingerprint))
        rows = rows[~_is_lit_up(self._kept["mean_luma"][rows], fingerprint)]
        distances = _hamming_distances(self._kept["hash"][rows], fingerprint)
        return _nearest(rows, distances, self._max_distance)

    def _nearest_by_means(self, fingerprint: Fingerprint) -> int | None:
        """Return the row that is nearest by area means; None if none is near.

        Different hashes do not mean different frames if one of the two has little texture.
        """
        is_weak = fingerprint.texture <= MIN_TEXTURE_TO_DIFFER
        lumas = self._lumas if is_weak else self._weak_lumas
        rows = self._compared(lumas.near(fingerprint))
        # Most rows differ in a few of the means already.
        some = self._mean_differences(rows, fingerprint, _MEANS_STEP)
        rows = rows[some <= MAX_MEAN_DIFFERENCE]
        return _nearest(rows, self._mean_differences(rows, fingerprint), MAX_MEAN_DIFFERENCE)

    def _mean_differences(
        self, rows: NDArray[np.int64], fingerprint: Fingerprint, step: int = 1
    ) -> NDArray[np.uint8]:
        """Return the largest difference of each row in every `step`th area mean."""
        kept = self._kept["area_means"][:, ::step][rows]
        return largest_mean_difference(kept, fingerprint.area_means[::step])

    def _compared(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return those of the rows, which ascend, that frames are compared with."""
        if self._compare_with is None:
            return rows
        return rows[np.searchsorted(rows, len(self._indexes) - self._compare_with) :]

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


def _is_lit_up(kept_luma: NDArray[np.uint8], fingerprint: Fingerprint) -> NDArray[np.bool_]:
    """Return which kept frames are dark, where this one is the same scene with more light."""
    luma = kept_luma.astype(np.int64)
    needed_luma = np.maximum(_DARK_LUMA, luma + _LIT_UP_BY)
    return np.asarray((luma < _DARK_LUMA) & (fingerprint.mean_luma >= needed_luma))


def _nearest(
    rows: NDArray[np.int64], distances: NDArray[np.int64] | NDArray[np.uint8], at_most: int
) -> int | None:
    """Return the row with the smallest distance, the last of equals; None if all are too far."""
    if not len(rows):
        return None
    nearest = len(rows) - 1 - int(np.argmin(distances[::-1]))
    return int(rows[nearest]) if distances[nearest] <= at_most else None
