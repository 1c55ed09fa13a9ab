"""Which frames are near-duplicates of one already kept.

The Hamming distance of their hashes decides between frames of crisp texture. Of flat frames bits
say nothing: there the tones decide. Between the two, frames are duplicates by either.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

import numpy as np

from pipeline.fingerprint import CLEAR_RELIEF, CRISP_RELIEF, TONE_REACH, TONES, tone_distances
from pipeline.frame import Twin

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.config import Dedupe
    from pipeline.fingerprint import Fingerprint

# Bits are blind to brightness. What is lit now and lay in the dark then (mean luma) is news.
_DARK, _LIT_UP_BY = 48, 24


class Deduplicator:
    """Keeps frames, and finds the kept one that a frame duplicates.

    One is made afresh for each segment; one more, fed with what the segments kept, is the merge.
    """

    def __init__(self, config: Dedupe, suffix: str = "") -> None:
        """Start with nothing kept.

        Args:
            config: the largest distance, how many kept frames to look back, and the hash size.
            suffix: what the reasons in frames.csv end with.
        """
        self._max_distance = config.max_distance
        self._look_back = config.compare_with
        self._suffix = suffix
        self._indexes: list[int] = []
        self._kept = np.empty(64, dtype=_row_type(config.hash_size))

    def twin_of(self, mine: Fingerprint) -> Twin | None:
        """Return the kept frame that this one duplicates, or None.

        It is the nearest by bits, else the nearest by tones; the latest of equals.
        """
        first = 0 if self._look_back is None else max(0, len(self._indexes) - self._look_back)
        rows = self._kept[first : len(self._indexes)]
        by_bits = np.flatnonzero(_tell_alike(rows, mine))
        row = _nearest(by_bits, _hamming(rows["bits"][by_bits], mine), self._max_distance)
        if row is not None:
            return self._twin(first + row, mine, "duplicate")
        by_tones = np.flatnonzero(_may_look_alike(rows, mine))
        distances = tone_distances(rows["tones"][by_tones], mine.tones)
        row = _nearest(by_tones, distances, TONE_REACH)
        return None if row is None else self._twin(first + row, mine, "same_tones")

    def twin_at(self, index: int, mine: Fingerprint, reason: str) -> Twin:
        """Return the kept frame of this index as the twin."""
        return self._twin(bisect_left(self._indexes, index), mine, reason)

    def keep(self, index: int, mine: Fingerprint) -> None:
        """Keep a frame; indexes ascend."""
        kept = len(self._indexes)
        if kept == len(self._kept):
            self._kept = np.concatenate([self._kept, np.empty_like(self._kept)])
        self._kept[kept] = (_packed(mine), mine.tones, mine.relief, mine.light)
        self._indexes.append(index)

    def _twin(self, row: int, mine: Fingerprint, reason: str) -> Twin:
        distance = int(_hamming(self._kept["bits"][row : row + 1], mine)[0])
        return Twin(self._indexes[row], distance, reason + self._suffix)


def _row_type(hash_size: int) -> np.dtype[np.void]:
    """Return what is held of a kept frame: 205 bytes with a hash of 64 bits."""
    packed_bytes = (hash_size**2 + 7) // 8
    return np.dtype([
        ("bits", np.uint8, packed_bytes), ("tones", np.uint8, TONES),
        ("relief", np.float32), ("light", np.uint8),
    ])  # fmt: skip


def _packed(mine: Fingerprint) -> NDArray[np.uint8]:
    return np.packbits(mine.bits.hash.ravel())


def _hamming(rows: NDArray[np.uint8], mine: Fingerprint) -> NDArray[np.int64]:
    differing = np.bitwise_count(rows ^ _packed(mine))
    return np.asarray(differing.sum(axis=1, dtype=np.int64))


def _tell_alike(rows: NDArray[np.void], mine: Fingerprint) -> NDArray[np.bool_]:
    """Return where like bits mean like frames: both clear, and mine lights up nothing dark."""
    light = rows["light"].astype(np.int64)
    lit_up = (light < _DARK) & (mine.light >= np.maximum(_DARK, light + _LIT_UP_BY))
    return np.asarray((np.minimum(rows["relief"], mine.relief) > CLEAR_RELIEF) & ~lit_up)


def _may_look_alike(rows: NDArray[np.void], mine: Fingerprint) -> NDArray[np.bool_]:
    """Return where unlike bits leave it open: not both crisp, and no other light already."""
    crisp = np.minimum(rows["relief"], mine.relief) > CRISP_RELIEF
    # Means differ by no more than the worst tone does, but for the rounding of both.
    light = np.abs(rows["light"].astype(np.int64) - mine.light) <= TONE_REACH + 1
    return np.asarray(~crisp & light)


def _nearest(
    places: NDArray[np.intp], distances: NDArray[np.int64] | NDArray[np.uint8], reach: int
) -> int | None:
    """Return the place of the least distance, the last of equals; None if none is in reach."""
    if not len(places):
        return None
    nearest = len(places) - 1 - int(np.argmin(distances[::-1]))
    return int(places[nearest]) if distances[nearest] <= reach else None
