"""Going to a frame without decoding all before it, and knowing that it is that frame.

A seek of OpenCV's is inexact: it counts frames from an average rate, and where a container has no
index it may land on any frame (https://github.com/opencv/opencv/issues/9053). So it is aimed
early, at a key frame, and from there each frame's time must be the one that its packet has.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import cv2

from pipeline.packets import SEEK_FRAMES
from pipeline.position import position_ms

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.packets import Packets

# Where a seek lands too late, the next is aimed this much earlier.
_BACK_OFF_MS = (0.0, 500.0, 2000.0, 8000.0)


class UnsafeError(Exception):
    """The video is not what its packets say: it must be decoded from beginning to end."""


class Seeker:
    """Walks a capture from frame to frame, forwards; jumps where that was measured to be faster.

    Attributes:
        rank: of the frame it stands on; -1 before the first.
        decoded: how many frames were decoded on the way, without those within OpenCV's seeks.
    """

    def __init__(
        self, capture: cv2.VideoCapture, packets: Packets, on_step: Callable[[], None]
    ) -> None:
        """Start before the first frame; `on_step` is told of each frame."""
        self._on_step = on_step
        self.decoded = 0
        self._capture = capture
        self._packets = packets
        self.rank = -1
        self._proof = packets.keys[1] if len(packets.keys) > 1 else packets.count
        self._walk_seconds = 0.0
        self._jump_seconds = 0.0
        self._may_jump = True
        self._jumps = 0

    def go(self, rank: int) -> None:
        """Decode up to a frame, so that it can be retrieved.

        Raises:
            UnsafeError: on the way a frame is missing, or one is there that should not be.
        """
        # The first stretch between key frames is walked: it shows that packets are frames.
        if self.rank < self._proof:
            self._walk(min(rank, self._proof))
        key = self._packets.key_before(rank)
        if self._jump_pays(key):
            self._jump(key)
        self._walk(rank)

    def _jump_pays(self, key: int) -> bool:
        if not self._may_jump:
            return False
        if not self._jumps:
            return key - self.rank > SEEK_FRAMES
        walk = (key - self.rank) * self._walk_seconds / self.decoded
        return self._jump_seconds / self._jumps < walk

    def _jump(self, key: int) -> None:
        """Land on a key frame or somewhat before it."""
        started, before = time.perf_counter(), self.rank
        for back_ms in _BACK_OFF_MS:
            aim_ms = self._packets.times_ms[key] - back_ms
            self._capture.set(cv2.CAP_PROP_POS_MSEC, max(0.0, aim_ms))
            if self._capture.grab():
                landed = self._packets.rank_at(position_ms(self._capture))
                if landed is not None and landed <= key:
                    self.rank = landed
                    break
        else:
            raise UnsafeError
        self._may_jump = self.rank > before  # else each jump would begin at the beginning
        self._jumps += 1
        self._jump_seconds += time.perf_counter() - started

    def _walk(self, rank: int) -> None:
        started = time.perf_counter()
        while self.rank < rank:
            due_ms = self._packets.times_ms[self.rank + 1]
            if not self._capture.grab() or position_ms(self._capture) != due_ms:
                raise UnsafeError
            self.rank += 1
            self.decoded += 1
            self._on_step()
        self._walk_seconds += time.perf_counter() - started
