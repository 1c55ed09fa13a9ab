"""Decode only the frames that others need, and sample the one nearest to each grid point."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.coverage import Coverage
from pipeline.decoding.decoder import FramePosition
from pipeline.decoding.evidence import GapEvidence
from pipeline.decoding.seeking import SeekMismatchError

if TYPE_CHECKING:
    from pipeline.decoding.backend import BackendName, IndexedCapture
    from pipeline.decoding.packet_index import PacketIndex
    from pipeline.decoding.sampling import SamplingGrid
    from pipeline.decoding.stream import GuardedStream

# Of these, FFmpeg's decoders leave out frames that no other one needs, and those alone. That of
# HEVC leaves out frames that others need.
_CODECS = {"h264", "mpeg4", "mpeg2video", "mpeg1video"}
_UNDAMAGED = GapEvidence()


def reference_obstacle(codec: str, backend: BackendName) -> str | None:
    """Return why reference frames alone cannot be decoded; None if they can.

    Args:
        codec: FFmpeg's name of the codec.
        backend: the library that decodes.
    """
    if backend != "pyav":
        return "only the backend pyav can leave out frames that no other frame needs"
    if codec not in _CODECS:
        known = ", ".join(sorted(_CODECS))
        return f"frames that no other frame needs are left out of {known}, and not of {codec}"
    return None


class ReferenceDecoder:
    """Decodes the reference frames of a video, whose times are known, in order.

    Attributes:
        start_ms: stream time of the first frame; None if unknown.
        last_pts_ms: presentation time of the last decoded frame.
        failed_grabs: always 0. A failed grab is a mismatch.
    """

    def __init__(
        self,
        capture: IndexedCapture,
        stream: GuardedStream,
        packet_index: PacketIndex,
        grid: SamplingGrid,
    ) -> None:
        """Create a decoder that stands before the first frame.

        Args:
            capture: opened for frames, at the beginning.
            stream: the stream that the capture reads.
            packet_index: the times of all frames.
            grid: the sampling grid. Frames before its start and after its end are no samples.
        """
        self.start_ms: float | None = None
        self.last_pts_ms = 0.0
        self.failed_grabs = 0
        self._capture = capture
        self._stream = stream
        self._packets = packet_index
        self._grid = grid
        self._index = -1
        self._decoded = 0
        capture.skip_unneeded()

    def next_frame(self) -> FramePosition | None:
        """Decode the next reference frame, so that it can be retrieved; return None at the end.

        Raises:
            SeekMismatchError: the decoded frames are not those of the packet index.
            Exception: whatever reading the stream raised.
        """
        if not self._capture.grab():
            self._stream.raise_pending_error()
            if not self._capture.has_ended:
                raise SeekMismatchError
            return None
        index = self._packets.index_at(self._capture.position_ms)
        if index is None or index <= self._index or self._capture.evidence != _UNDAMAGED:
            raise SeekMismatchError
        if self._decoded == 0:
            self.start_ms = self._capture.start_ms
        self._decoded += 1
        self._index = index
        self.last_pts_ms = self._packets.pts_ms(index)
        return FramePosition(index, self.last_pts_ms, self._nearest_until_ms())

    def coverage(self) -> Coverage:
        """Return how many frames were decoded and skipped, and how much the end is too early."""
        has_ended = self._capture.has_ended
        last = self._packets.count if has_ended else self._index + 1
        seconds_short = self._packets.seconds_short if has_ended else 0.0
        return Coverage(self._decoded, skipped=last - self._decoded, seconds_short=seconds_short)

    def _nearest_until_ms(self) -> float | None:
        """Return until when the frame is the nearest; of two as near, the earlier one is."""
        following = self._capture.next_frame()
        if following is None or self.last_pts_ms * 1000 < self._grid.start_us:
            return None
        index = self._packets.index_at(following.position_ms)
        if index is None:
            raise SeekMismatchError
        next_us = round(1000 * self._packets.pts_ms(index))
        if self._grid.is_past_end(next_us):
            return next_us / 1000
        return ((round(1000 * self.last_pts_ms) + next_us) // 2 + 1) / 1000
