"""Find the few kept frames that can be near a frame, so that not all have to be compared.

Nothing is missed. If two hashes differ in at most n bits and are cut into n + 1 pieces, one piece
at least is equal in both (the pigeonhole principle). So only frames with an equal piece are
compared. And if all area means differ by little, so does the mean luma.
Multi-index hashing: https://arxiv.org/abs/1307.2982
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from numpy.typing import NDArray

    from pipeline.deduplication.fingerprint import Fingerprint

# Shorter pieces are equal by chance in so many frames that it is faster to compare all.
_FEWEST_BITS_A_PIECE = 8

_Rows: TypeAlias = "defaultdict[Hashable, array[int]]"


class HashCandidates:
    """Finds rows whose hashes may differ by at most a number of bits."""

    def __init__(self, max_distance: int, bits: int) -> None:
        """Begin without rows.

        Args:
            max_distance: the number of bits.
            bits: length of a hash.
        """
        pieces = max_distance + 1
        self._ends = [bits * number // pieces for number in range(pieces + 1)]
        self._is_useful = bits // pieces >= _FEWEST_BITS_A_PIECE
        self._rows = _no_rows()
        self._all: array[int] = array("q")

    def add(self, row: int, fingerprint: Fingerprint) -> None:
        """Add a row. Rows must ascend."""
        self._all.append(row)
        if self._is_useful:
            for key in self._keys(fingerprint):
                self._rows[key].append(row)

    def near(self, fingerprint: Fingerprint) -> NDArray[np.int64]:
        """Return rows in ascending order; all that are near are among them."""
        if not self._is_useful:
            return _joined([self._all])
        found = [self._rows[key] for key in self._keys(fingerprint) if key in self._rows]
        if sum(map(len, found)) >= len(self._all):
            return _joined([self._all])
        return np.unique(_joined(found))

    def _keys(self, fingerprint: Fingerprint) -> Iterable[Hashable]:
        bits = fingerprint.hash.hash.ravel()
        for number, start in enumerate(self._ends[:-1]):
            yield number, np.packbits(bits[start : self._ends[number + 1]]).tobytes()


class LumaCandidates:
    """Finds rows whose mean luma may differ by at most a number of levels."""

    def __init__(self, max_difference: int) -> None:
        """Begin without rows.

        Args:
            max_difference: the number of levels.
        """
        self._max_difference = max_difference
        self._rows = _no_rows()

    def add(self, row: int, fingerprint: Fingerprint) -> None:
        """Add a row. Rows must ascend."""
        self._rows[fingerprint.mean_luma].append(row)

    def near(self, fingerprint: Fingerprint) -> NDArray[np.int64]:
        """Return all rows that are near, in ascending order."""
        luma = fingerprint.mean_luma
        lumas = range(luma - self._max_difference, luma + self._max_difference + 1)
        return np.sort(_joined([self._rows[each] for each in lumas if each in self._rows]))


def _no_rows() -> _Rows:
    return defaultdict(lambda: array("q"))


def _joined(parts: list[array[int]]) -> NDArray[np.int64]:
    """Return a copy, because an array cannot grow while it is looked at."""
    if not parts:
        return np.empty(0, np.int64)
    return np.concatenate([np.frombuffer(part, np.int64) for part in parts])
