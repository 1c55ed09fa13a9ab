"""The fingerprints of kept frames: a row each, in the order in which the frames were kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.deduplication.fingerprint import AREA_MEANS, largest_mean_difference
from pipeline.deduplication.small_changes import PATCHES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.deduplication.fingerprint import Fingerprint

_ROWS_AT_FIRST = 64
# Details are most of the memory, so their rows are not copied when the table grows.
_ROWS_A_BLOCK = 256


class KeptFrames:
    """Compares rows with a fingerprint. A row is 3,801 bytes with a hash of 64 bits.

    Each kind of value has a table of its own, because many rows are compared by their hash alone.
    """

    def __init__(self, hash_size: int) -> None:
        """Begin without rows.

        Args:
            hash_size: side of the hashes in bits.
        """
        self._count = 0
        self._hashes = np.empty((_ROWS_AT_FIRST, (hash_size**2 + 7) // 8), np.uint8)
        self._means = np.empty((_ROWS_AT_FIRST, AREA_MEANS), np.uint8)
        self._lumas = np.empty(_ROWS_AT_FIRST, np.uint8)
        self._details: list[NDArray[np.uint8]] = []

    def __len__(self) -> int:
        return self._count

    def add(self, fingerprint: Fingerprint) -> None:
        """Add a row."""
        row = self._count
        if row == len(self._lumas):
            self._hashes = _doubled(self._hashes)
            self._means = _doubled(self._means)
            self._lumas = _doubled(self._lumas)
        if row % _ROWS_A_BLOCK == 0:
            self._details.append(np.empty((_ROWS_A_BLOCK, PATCHES), np.uint8))
        self._hashes[row] = _packed_hash(fingerprint)
        self._means[row] = fingerprint.area_means
        self._lumas[row] = fingerprint.mean_luma
        self._details[-1][row % _ROWS_A_BLOCK] = fingerprint.detail.ravel()
        self._count += 1

    def hamming_distances(
        self, rows: NDArray[np.int64], fingerprint: Fingerprint
    ) -> NDArray[np.int64]:
        """Return the number of bits in which the hash of each row differs."""
        differing = np.bitwise_count(self._hashes[rows] ^ _packed_hash(fingerprint))
        return np.asarray(differing.sum(axis=1, dtype=np.int64))

    def mean_differences(
        self, rows: NDArray[np.int64], fingerprint: Fingerprint, step: int = 1
    ) -> NDArray[np.int64]:
        """Return the largest difference of each row in every `step`th area mean, in levels."""
        means = self._means[:, ::step][rows]
        return largest_mean_difference(means, fingerprint.area_means[::step]).astype(np.int64)

    def mean_lumas(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the mean luma of each row, 0 to 255."""
        return self._lumas[rows].astype(np.int64)

    def details(self, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return the detail of each row: N x patches."""
        details = np.empty((len(rows), PATCHES), np.uint8)
        for number, (block, row) in enumerate(zip(*divmod(rows, _ROWS_A_BLOCK), strict=True)):
            details[number] = self._details[block][row]
        return details


def _doubled(table: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.concatenate([table, np.empty_like(table)])


def _packed_hash(fingerprint: Fingerprint) -> NDArray[np.uint8]:
    return np.packbits(fingerprint.hash.hash.ravel())
