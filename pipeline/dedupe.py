"""Which frames are near-duplicates of one already kept, by Hamming distance of their hashes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.frame import Twin

if TYPE_CHECKING:
    from imagehash import ImageHash
    from numpy.typing import NDArray

    from pipeline.config import Dedupe


class Deduplicator:
    """Keeps a frame unless it is within `max_distance` bits of one of the last kept ones.

    One is made afresh for each segment; one more, fed with what the segments kept, is the merge.
    """

    def __init__(self, config: Dedupe, reason: str) -> None:
        """Start with nothing kept.

        Args:
            config: the largest distance, how many kept frames to look back, and the hash size.
            reason: what a drop is called in frames.csv.
        """
        self._max_distance = config.max_distance
        self._look_back = config.compare_with
        self._reason = reason
        self._indexes: list[int] = []
        self._bits = np.empty((64, _packed_bytes(config.hash_size**2)), dtype=np.uint8)

    def twin_of(self, index: int, bits: ImageHash) -> Twin | None:
        """Return the nearest kept frame within reach (the latest of equals), or keep this one.

        Args:
            index: the frame's index in the source.
            bits: its hash.

        Returns:
            The twin that makes it a duplicate; None if the frame is kept.
        """
        packed = np.packbits(bits.hash.ravel())
        kept = len(self._indexes)
        first = 0 if self._look_back is None else max(0, kept - self._look_back)
        if kept > first:
            distances = _hamming(self._bits[first:kept], packed)
            nearest = len(distances) - 1 - int(np.argmin(distances[::-1]))
            distance = int(distances[nearest])
            if distance <= self._max_distance:
                return Twin(self._indexes[first + nearest], distance, self._reason)
        self._keep(index, packed)
        return None

    def _keep(self, index: int, packed: NDArray[np.uint8]) -> None:
        kept = len(self._indexes)
        if kept == len(self._bits):
            self._bits = np.concatenate([self._bits, np.empty_like(self._bits)])
        self._bits[kept] = packed
        self._indexes.append(index)


def _packed_bytes(bits: int) -> int:
    return (bits + 7) // 8


def _hamming(rows: NDArray[np.uint8], row: NDArray[np.uint8]) -> NDArray[np.int64]:
    distances: NDArray[np.int64] = np.bitwise_count(rows ^ row).sum(axis=1, dtype=np.int64)
    return distances
