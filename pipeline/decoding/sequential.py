"""Decode every frame of a video in order, past damaged data, to the real end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.decoding.decoder import FramePosition, shown_until_ms
from pipeline.decoding.evidence import HeaderEnd
from pipeline.decoding.gap_detector import GapDetector
from pipeline.decoding.timestamps import PresentationClock

if TYPE_CHECKING:
    from pipeline.coverage import Coverage
    from pipeline.decoding.backend import Capture, IndexedCapture
    from pipeline.decoding.header import HeaderInfo
    from pipeline.decoding.stream import GuardedStream


class SequentialDecoder:
    """Decodes every frame of a capture.

    Attributes:
        start_ms: stream time of the first frame; None if unknown.
        last_pts_ms: presentation time of the last decoded frame.
    """

    def __init__(
        self,
        capture: Capture,
        stream: GuardedStream,
        header: HeaderInfo,
        ahead: IndexedCapture | None = None,
    ) -> None:
        """Create a decoder that stands before the first frame.

        Args:
            capture: opened for frames, at the beginning.
            stream: the stream that the capture reads.
            header: what the video's header says.
            ahead: the same capture, if frames are to be sampled while they are on show; else None.
        """
        self.start_ms: float | None = None
        self.last_pts_ms = 0.0
        self._capture = capture
        self._stream = stream
        self._header = header
        self._ahead = ahead
        self._next_pts_ms: float | None = None  # known before its frame is grabbed
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
        if self._next_pts_ms is None:
            self._next_pts_ms = self._clock.next_pts_ms(self._capture.position_ms)
        self.last_pts_ms, self._next_pts_ms = self._next_pts_ms, None
        self._gaps.add_frame(self.last_pts_ms, self._capture.evidence)
        self._decoded += 1
        until_ms = None if self._ahead is None else self._on_show_until_ms(self._ahead)
        return FramePosition(self._decoded - 1, self.last_pts_ms, until_ms)

    def _on_show_until_ms(self, capture: IndexedCapture) -> float:
        """Return the time of the next frame, or the end of the last one."""
        following = capture.next_frame()
        if following is None:
            return shown_until_ms(self.last_pts_ms, capture.duration_ms)
        self._next_pts_ms = self._clock.next_pts_ms(following.position_ms)
        return self._next_pts_ms
