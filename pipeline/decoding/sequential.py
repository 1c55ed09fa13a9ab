"""Decode every frame of a video in order, past damaged data, to the real end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.decoding.decoder import FramePosition
from pipeline.decoding.gap_detector import GapDetector
from pipeline.decoding.header import HeaderInfo
from pipeline.decoding.timestamps import PresentationClock

if TYPE_CHECKING:
    from pipeline.decoding.backend import Capture
    from pipeline.decoding.stream import GuardedStream
    from pipeline.runlog import Coverage

# This many failed grabs in a row are the end of the video; they take 0.3 seconds. Fewer are enough
# once the whole stream was read and as many grabs were made as the header has frames.
_FAILED_GRABS_AT_END = 10_000
_FAILED_GRABS_AFTER_HEADER_COUNT = 200


class SequentialDecoder:
    """Decodes every frame of a capture.

    Attributes:
        start_ms: stream time of the first frame; None if unknown.
        last_pts_ms: presentation time of the last decoded frame.
        failed_grabs: number of failed grabs between frames.
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
        self.failed_grabs = 0
        self._capture = capture
        self._stream = stream
        self._header = header
        self._clock = PresentationClock(capture.fps)
        self._gaps = GapDetector()
        self._reads_past_end_before = stream.reads_past_end
        self._decoded = 0
        self._reached_end = False

    def next_frame(self) -> FramePosition | None:
        """Decode the next frame, so that it can be retrieved; return None at the end.

        Raises:
            Exception: whatever reading the stream raised.
        """
        failed = 0
        while not self._stream.is_stopped:
            if self._capture.grab():
                return self._add_frame(failed)
            failed += 1
            grabs_before = self._decoded + self.failed_grabs
            if is_end_of_stream(self._capture, self._stream, failed, grabs_before):
                self._reached_end = True
                break
        self._stream.raise_pending_error()
        return None

    def coverage(self) -> Coverage:
        """Return what was decoded so far and what is missing. Call it once, after the last frame.

        A missing end is reported only if the end was reached.
        """
        return self._gaps.finish(
            self._header if self._reached_end else HeaderInfo(),
            start_ms=self.start_ms,
            read_past_end=self._stream.reads_past_end > self._reads_past_end_before,
        )

    def _add_frame(self, failed_grabs: int) -> FramePosition:
        if self._decoded == 0:
            self.start_ms = self._capture.start_ms
        self.last_pts_ms = self._clock.next_pts_ms(self._capture.position_ms)
        self._gaps.add_frame(self.last_pts_ms, failed_grabs_before=failed_grabs)
        self.failed_grabs += failed_grabs
        self._decoded += 1
        return FramePosition(self._decoded - 1, self.last_pts_ms)


def is_end_of_stream(
    capture: Capture, stream: GuardedStream, failed_grabs: int, grabs_before: int
) -> bool:
    """Tell whether failed grabs are the end of a video, and not damage in the middle of it.

    OpenCV reports both in the same way: https://github.com/opencv/opencv/issues/29722

    Args:
        capture: a capture of frames or of packets.
        stream: the stream that the capture reads.
        failed_grabs: number of failed grabs in a row.
        grabs_before: number of grabs before those, failed or not.
    """
    if failed_grabs < _FAILED_GRABS_AFTER_HEADER_COUNT or not stream.is_read_to_end:
        return failed_grabs >= _FAILED_GRABS_AT_END
    beyond_header = grabs_before + failed_grabs - capture.frame_count
    return failed_grabs >= _FAILED_GRABS_AT_END or beyond_header >= _FAILED_GRABS_AFTER_HEADER_COUNT
