"""Decode every frame of a video in order, past damaged data, to the real end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.decoding.decoder import FramePosition
from pipeline.decoding.evidence import HeaderEnd
from pipeline.decoding.gap_detector import GapDetector
from pipeline.decoding.timestamps import PresentationClock

if TYPE_CHECKING:
    from pipeline.decoding.backend import Capture
    from pipeline.decoding.header import HeaderInfo
    from pipeline.decoding.stream import GuardedStream
    from pipeline.runlog import Coverage


class SequentialDecoder:
    """Decodes every frame of a capture.

    Attributes:
        start_ms: stream time of the first frame; None if unknown.
        last_pts_ms: presentation time of the last decoded frame.
    """

    def __init__(self, capture: Capture, stream: GuardedStream, header: HeaderInfo) -> None:
        """Create a decoder that stands before the first frame.

        Args:
            capture: opened for frames, at the beginning.
            stream: the stream that the capture reads.
            header: what the video's header says.
        """
        self.start_ms: float | None = None
        self.last_pts_ms = 0.0
        self._capture = capture
        self._stream = stream
        self._header = header
        self._clock = PresentationClock(capture.fps)
        self._gaps = GapDetector()
        self._decoded = 0

    def next_frame(self) -> FramePosition | None:
        """Decode the next frame, so that it can be retrieved; return None at the end.

        Raises:
            Exception: whatever reading the stream raised.
        """
        while not (self._capture.has_ended or self._stream.is_stopped):
            if self._capture.grab():
                return self._add_frame()
        self._stream.raise_pending_error()
        return None

    @property
    def failed_grabs(self) -> int:
        """Number of failed grabs, without those that are the end."""
        return self._capture.failed_grabs

    def coverage(self) -> Coverage:
        """Return what was decoded so far and what is missing. Call it once, after the last frame.

        A missing end is reported only if the end was reached.
        """
        has_ended = self._capture.has_ended and not self._stream.is_stopped
        if not has_ended:
            return self._gaps.finish(HeaderEnd())
        return self._gaps.finish(self._capture.end(self.start_ms), self._header)

    def _add_frame(self) -> FramePosition:
        if self._decoded == 0:
            self.start_ms = self._capture.start_ms
        self.last_pts_ms = self._clock.next_pts_ms(self._capture.position_ms)
        self._gaps.add_frame(self.last_pts_ms, self._capture.evidence)
        self._decoded += 1
        return FramePosition(self._decoded - 1, self.last_pts_ms)
