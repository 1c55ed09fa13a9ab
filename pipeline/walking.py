"""Through a video frame by frame, over what is damaged, to its real end."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import cv2

from pipeline.clock import Clock
from pipeline.coverage import Claim, Coverage, CoverageMeter
from pipeline.ending import is_end
from pipeline.position import position_ms, start_ms

if TYPE_CHECKING:
    from pipeline.stream import GuardedStream

Places = Generator[tuple[int, float], None, None]
"""Where a capture stands, again and again: a frame's index, and its time after the first in ms."""


class Walk:
    """Decodes every frame of a capture.

    Attributes:
        corrupt: how many grabs failed between frames.
        coverage: what was decoded, and what is missing; known at the end.
    """

    def __init__(self, capture: cv2.VideoCapture, stream: GuardedStream, claim: Claim) -> None:
        """Start before the first frame of a capture that reads from the stream."""
        self.corrupt = 0
        self.coverage = Coverage()
        self._capture = capture
        self._stream = stream
        self._claim = claim

    def places(self) -> Places:
        """Go from frame to frame.

        Raises:
            Exception: whatever reading the stream raises.
        """
        clock = Clock(self._capture.get(cv2.CAP_PROP_FPS))
        meter = CoverageMeter()
        empty_reads = self._stream.empty_reads
        began_ms = None
        index = failed = 0
        ended = False
        try:
            while not ended and not self._stream.has_ended:
                if not self._capture.grab():
                    failed += 1
                    ended = is_end(self._capture, self._stream, failed, index + self.corrupt)
                    continue
                began_ms = start_ms(self._capture) if index == 0 else began_ms
                pts_ms = clock.tick(position_ms(self._capture))
                meter.frame(pts_ms, failed_before=failed)
                self.corrupt += failed
                failed = 0
                yield index, pts_ms
                index += 1
            self._stream.check()
        finally:
            self.coverage = meter.end(
                self._claim if ended else Claim(),
                start_ms=began_ms,
                ran_dry=self._stream.empty_reads > empty_reads,
            )
