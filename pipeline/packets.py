"""A video's packets, read without decoding them: when its frames are, and which are key frames.

OpenCV hands out packets instead of frames with CAP_PROP_FORMAT -1; a thousand take some
milliseconds. https://docs.opencv.org/4.x/d4/d15/group__videoio__flags__base.html
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import cv2

from pipeline.coverage import Claim, CoverageMeter
from pipeline.ending import is_end
from pipeline.position import position_ms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.stream import GuardedStream

# Packets come in decoding order, which is some frames off the frames'. A packet further off tells
# that the clock was set back.
_REORDERING_MS = 1000.0
# What a seek costs, in frames, before one was measured: OpenCV decodes at least 16 within it.
SEEK_FRAMES = 40
# Key frames to see before saying how far apart they are.
_KEYS_SEEN = 4


@dataclass(frozen=True)
class Packets:
    """The frames of a sound video, in presentation order; a frame's rank is its index.

    Attributes:
        times_ms: each frame's position, as the decoder will tell it, ascending.
        keys: ranks of the key frames, ascending; the first is 0.
    """

    times_ms: array[float]
    keys: array[int]

    def rank_at(self, place_ms: float) -> int | None:
        """Return the rank of the frame at exactly this position; None if there is none."""
        rank = bisect_left(self.times_ms, place_ms)
        found = rank < len(self.times_ms) and self.times_ms[rank] == place_ms
        return rank if found else None

    @property
    def count(self) -> int:
        """How many frames there are."""
        return len(self.times_ms)

    def pts_ms(self, rank: int) -> float:
        """Return a frame's time in milliseconds after the first one."""
        return round(self.times_ms[rank] - self.times_ms[0], 3)

    def first_after(self, pts_ms: float) -> int:
        """Return the rank of the first frame at or after so many milliseconds of video."""
        return bisect_left(self.times_ms, round(pts_ms + self.times_ms[0], 3))

    def key_before(self, rank: int) -> int:
        """Return the rank of the last key frame at or before a frame."""
        return self.keys[bisect_right(self.keys, rank) - 1]


def read_packets(
    capture: cv2.VideoCapture, stream: GuardedStream, interval_ms: float, claim: Claim
) -> Packets | None:
    """Return the frames' times if seeking is safe and may pay; None if not.

    It is safe where each packet is a frame with a time of its own and nothing is missing. It
    pays where samples are further apart than key frames; where they are not, some seconds
    are read and no more.

    Args:
        capture: opened for packets, at the beginning.
        stream: that it reads.
        interval_ms: between two samples.
        claim: what the header says.
    """
    positions, keys = array("d"), array("d")
    latest_ms = -math.inf
    for place_ms, is_key in _packets(capture):
        if place_ms < latest_ms - _REORDERING_MS:
            return None
        latest_ms = max(latest_ms, place_ms)
        positions.append(place_ms)
        if is_key:
            keys.append(place_ms)
        if len(keys) <= _KEYS_SEEN and not _may_pay(positions, keys, interval_ms):
            return None
    if not _nothing_follows(capture, stream, len(positions)):
        return None
    times = array("d", sorted(positions))
    if not keys or times[0] != keys[0] or not _is_sound(times, claim):
        return None
    return Packets(times, array("q", (bisect_left(times, key) for key in sorted(keys))))


def _packets(capture: cv2.VideoCapture) -> Iterator[tuple[float, bool]]:
    while capture.grab():
        is_key = capture.get(cv2.CAP_PROP_LRF_HAS_KEY_FRAME) != 0
        yield position_ms(capture), is_key


def _nothing_follows(capture: cv2.VideoCapture, stream: GuardedStream, found: int) -> bool:
    """Tell whether the first grab that failed was the end, and no damaged packet on the way."""
    failed = 1
    while not is_end(capture, stream, failed, found):
        if capture.grab():
            return False
        failed += 1
    return True


def _may_pay(positions: array[float], keys: array[float], interval_ms: float) -> bool:
    """Tell from the first packets whether a seek may cost less than what lies between samples."""
    intervals = (positions[-1] - positions[0]) / interval_ms
    if len(keys) < _KEYS_SEEN:
        return intervals <= _KEYS_SEEN
    if intervals <= 0:
        return False
    between_samples = len(positions) / intervals
    between_keys = len(positions) / (len(keys) - 1)
    return between_samples > SEEK_FRAMES + between_keys


def _is_sound(times_ms: array[float], claim: Claim) -> bool:
    """Tell whether all times differ, no gap shows a loss, and the index has no more to give."""
    meter = CoverageMeter()
    for time_ms in times_ms:
        meter.frame(time_ms - times_ms[0])
    distinct = all(earlier < later for earlier, later in pairwise(times_ms))
    whole = claim.frames is None or len(times_ms) >= claim.frames
    return distinct and whole and meter.end(Claim()).lost == 0
