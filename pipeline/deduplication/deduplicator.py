"""Find near-duplicates among kept frames.

Between frames with enough texture, the Hamming distance of their hashes decides. The hash of a flat
frame says nothing, so between flat frames the mean colours of their areas decide. In between,
frames are duplicates by either. A frame that is near in this way is a duplicate unless something
small has changed.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

import numpy as np

from pipeline.deduplication.candidates import HashCandidates, LumaCandidates
from pipeline.deduplication.fingerprint import (
    MAX_MEAN_DIFFERENCE,
    MIN_TEXTURE_TO_DIFFER,
    MIN_TEXTURE_TO_MATCH,
)
from pipeline.deduplication.kept_frames import KeptFrames
from pipeline.deduplication.small_changes import has_small_change, largest_changes
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
# Before a fixed camera, all kept frames are near. Of the nearest so many, the two whose detail
# differs least are looked at for small changes: that bounds the time, and finds an empty yard again
# after a minute with people in it.
_MOST_NEAR, _MOST_LOOKED_AT = 64, 2


class Deduplicator:
    """Holds the fingerprints of kept frames, and finds the one that a frame duplicates.

    Each segment has a deduplicator of its own. One more, for the merge, gets the frames that the
    segments kept.
    """

    def __init__(self, config: DedupeConfig, reason_suffix: str = "") -> None:
        """Create a deduplicator that holds no frames.

        Args:
            config: largest distance, whether small changes count, number of kept frames to compare
                with, and hash size.
            reason_suffix: appended to the reason of each match.
        """
        self._max_distance = config.max_distance
        self._compare_with = config.compare_with
        self._keeps_small_changes = config.keep_small_changes
        self._reason_suffix = reason_suffix
        self._indexes: list[int] = []
        self._kept = KeptFrames(config.hash_size)
        self._hashes = HashCandidates(config.max_distance, config.hash_size**2)
        self._lumas = LumaCandidates(_MAX_LUMA_DIFFERENCE)
        self._weak_lumas = LumaCandidates(_MAX_LUMA_DIFFERENCE)

    def find_duplicate(self, fingerprint: Fingerprint) -> DuplicateMatch | None:
        """Return the kept frame that a frame duplicates; None if there is none.

        It is near by hash, or else by area means, and nothing small has changed since. Of several
        such frames, the one is returned whose detail differs least. If small changes do not count,
        it is the nearest, and of frames equally near, the latest.
        """
        by_hash = self._near_by_hash(fingerprint)
        row = self._unchanged(by_hash, fingerprint)
        if row is not None:
            return self._match(row, fingerprint, "duplicate")
        by_means = self._near_by_means(fingerprint)
        row = self._unchanged(by_means[~np.isin(by_means, by_hash)], fingerprint)
        return None if row is None else self._match(row, fingerprint, "same_colours")

    def match_with(self, index: int, fingerprint: Fingerprint, reason: str) -> DuplicateMatch:
        """Return a match with the kept frame of this frame index."""
        return self._match(bisect_left(self._indexes, index), fingerprint, reason)

    def keep(self, index: int, fingerprint: Fingerprint) -> None:
        """Add a kept frame. Frame indexes must ascend."""
        row = len(self._kept)
        self._kept.add(fingerprint)
        self._indexes.append(index)
        if fingerprint.texture > MIN_TEXTURE_TO_MATCH:
            self._hashes.add(row, fingerprint)
        self._lumas.add(row, fingerprint)
        if fingerprint.texture <= MIN_TEXTURE_TO_DIFFER:
            self._weak_lumas.add(row, fingerprint)

    def _near_by_hash(self, fingerprint: Fingerprint) -> NDArray[np.int64]:
        """Return the rows that are near by hash, the nearest first; none if hashes say nothing."""
        if fingerprint.texture <= MIN_TEXTURE_TO_MATCH:
            return np.empty(0, np.int64)
        rows = self._compared(self._hashes.near(fingerprint))
        rows = rows[~_is_lit_up(self._kept.mean_lumas(rows), fingerprint)]
        distances = self._kept.hamming_distances(rows, fingerprint)
        return _nearest(rows, distances, self._max_distance)

    def _near_by_means(self, fingerprint: Fingerprint) -> NDArray[np.int64]:
        """Return the rows that are near by area means, the nearest first.

        Different hashes do not mean different frames if one of the two has little texture.
        """
        is_weak = fingerprint.texture <= MIN_TEXTURE_TO_DIFFER
        lumas = self._lumas if is_weak else self._weak_lumas
        rows = self._compared(lumas.near(fingerprint))
        # Most rows differ in a few of the means already.
        some = self._kept.mean_differences(rows, fingerprint, _MEANS_STEP)
        rows = rows[some <= MAX_MEAN_DIFFERENCE]
        differences = self._kept.mean_differences(rows, fingerprint)
        return _nearest(rows, differences, MAX_MEAN_DIFFERENCE)

    def _unchanged(self, near: NDArray[np.int64], fingerprint: Fingerprint) -> int | None:
        """Return the most alike of the near rows without a small change; None if there is none."""
        if not self._keeps_small_changes:
            return int(near[0]) if len(near) else None
        details = self._kept.details(near)
        changes = largest_changes(details, fingerprint.detail.ravel())
        for number in np.argsort(changes, kind="stable")[:_MOST_LOOKED_AT]:
            if not has_small_change(details[number], fingerprint.detail):
                return int(near[number])
        return None

    def _compared(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return those of the rows, which ascend, that frames are compared with."""
        if self._compare_with is None:
            return rows
        return rows[np.searchsorted(rows, len(self._kept) - self._compare_with) :]

    def _match(self, row: int, fingerprint: Fingerprint, reason: str) -> DuplicateMatch:
        distance = int(self._kept.hamming_distances(np.array([row]), fingerprint)[0])
        return DuplicateMatch(self._indexes[row], distance, reason + self._reason_suffix)


def _is_lit_up(kept_luma: NDArray[np.int64], fingerprint: Fingerprint) -> NDArray[np.bool_]:
    """Return which kept frames are dark, where this one is the same scene with more light."""
    needed_luma = np.maximum(_DARK_LUMA, kept_luma + _LIT_UP_BY)
    return np.asarray((kept_luma < _DARK_LUMA) & (fingerprint.mean_luma >= needed_luma))


def _nearest(
    rows: NDArray[np.int64], distances: NDArray[np.int64], at_most: int
) -> NDArray[np.int64]:
    """Return the nearest rows that are not too far, the nearest first, of equals the last."""
    is_near = distances <= at_most
    rows, distances = rows[is_near][::-1], distances[is_near][::-1]
    # No two of these numbers are equal, and they are in the order of distance, then of row.
    order = distances * len(rows) + np.arange(len(rows))
    if len(order) > _MOST_NEAR:
        order = np.partition(order, _MOST_NEAR)[:_MOST_NEAR]
    return np.asarray(rows[np.sort(order) % max(1, len(rows))], dtype=np.int64)
