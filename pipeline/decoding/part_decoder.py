"""Decode one part of a video, and make sure that it is as if the whole video was decoded.

Every frame must come in order, with a time of its own and without a sign of damage. At the key
frame where the next part begins, as many frames must have come as the plan says. Anything else
shows that the packets cannot be trusted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.coverage import Coverage
from pipeline.decoding.decoder import FramePosition, shown_until_ms
from pipeline.decoding.evidence import GapEvidence, KnownEnd
from pipeline.decoding.key_frame import ShardMismatchError

if TYPE_CHECKING:
    from fractions import Fraction

    from pipeline.decoding.backend import IndexedCapture
    from pipeline.decoding.key_frame import Part
    from pipeline.decoding.stream import GuardedStream

# The clock of a whole video does not believe a longer pause at once.
_LONGEST_PAUSE_MS = 3_600_000
_UNDAMAGED = GapEvidence()


class PartDecoder:
    """Decodes from the key frame of a part to that of the next one, and on.

    Attributes:
        start_ms: stream time of the first frame of the video.
        last_pts_ms: presentation time of the last frame that was decoded.
        failed_grabs: always 0. A failed grab is a mismatch.
    """

    def __init__(
        self, capture: IndexedCapture, stream: GuardedStream, part: Part, *, looks_ahead: bool
    ) -> None:
        """Create a decoder.

        Args:
            capture: opened for frames, at the beginning.
            stream: the stream that the capture reads.
            part: the part, of the same video.
            looks_ahead: whether frames are to be sampled while they are on show.
        """
        self.start_ms = part.facts.start_ms
        self.last_pts_ms = 0.0
        self.failed_grabs = 0
        self._capture = capture
        self._stream = stream
        self._part = part
        self._looks_ahead = looks_ahead
        self._index = self._first_index = 0 if part.start is None else part.start.index
        self._has_begun = False
        self._has_seen_next = part.next is None

    def next_frame(self) -> FramePosition | None:
        """Decode the next frame, so that it can be retrieved; return None at the end.

        Raises:
            ShardMismatchError: the packets cannot be trusted.
            Exception: whatever reading the stream raised.
        """
        if not self._has_begun:
            position_ms = self._begin()
        elif (read := self._read()) is not None:
            position_ms = read
            self._index += 1
        else:
            self._check_end()
            return None
        self._check_next(position_ms)
        self._check_images()
        pts_ms = self._part.facts.pts_ms(position_ms)
        if self._has_begun and not 0 < pts_ms - self.last_pts_ms <= _LONGEST_PAUSE_MS:
            raise ShardMismatchError("Its frames do not come in the order of their times.")
        self._has_begun = True
        self.last_pts_ms = pts_ms
        until_ms = self._on_show_until_ms(pts_ms) if self._looks_ahead else None
        return FramePosition(self._index, pts_ms, until_ms)

    def coverage(self) -> Coverage:
        """Return how many frames were decoded, without those of the next part."""
        if not self._has_begun:
            return Coverage()
        following = self._part.next
        end = self._index + 1
        return Coverage(
            (end if following is None else min(end, following.index)) - self._first_index
        )

    def _on_show_until_ms(self, pts_ms: float) -> float:
        """Return the time of the next frame, or the end of the last one."""
        following = self._capture.next_frame()
        if following is None:
            return shown_until_ms(pts_ms, self._capture.duration_ms)
        if following.position_ms is None:
            raise ShardMismatchError("A frame has no time.")
        return self._part.facts.pts_ms(following.position_ms)

    def _begin(self) -> Fraction:
        """Decode up to the first frame of the part, and return its position."""
        start = self._part.start
        if start is None:
            position_ms, wanted_ms = self._read(), self._part.facts.first_ms
        else:
            wanted_ms = start.position_ms
            self._capture.seek_to(start.seek_ticks)
            position_ms = self._skip_to(wanted_ms)
        if position_ms != wanted_ms:
            raise ShardMismatchError("A key frame is not where its index says.")
        if start is not None and not self._capture.is_intra:
            raise ShardMismatchError("Its key frames need other frames to be decoded.")
        self._check_evidence()
        return wanted_ms

    def _skip_to(self, wanted_ms: Fraction) -> Fraction | None:
        """Decode what comes before a key frame. Its start may be damaged, as it lacks frames."""
        position_ms: Fraction | None = None
        while not (self._capture.has_ended or self._stream.is_stopped):
            if self._capture.grab():
                position_ms = self._capture.position_ms
                if position_ms is not None and position_ms >= wanted_ms:
                    break
        self._stream.raise_pending_error()
        return position_ms

    def _read(self) -> Fraction | None:
        """Decode a frame, and return its position; None at the end."""
        if not self._capture.grab():
            self._stream.raise_pending_error()
            if self._capture.has_ended:
                return None
            raise ShardMismatchError("A packet cannot be read or decoded.")
        if self._capture.position_ms is None:
            raise ShardMismatchError("A frame has no time.")
        self._check_evidence()
        return self._capture.position_ms

    def _check_evidence(self) -> None:
        if self._capture.evidence != _UNDAMAGED:
            raise ShardMismatchError("Its data is damaged.")

    def _check_next(self, position_ms: Fraction) -> None:
        """Check the frame with which the next part begins."""
        following = self._part.next
        if self._has_seen_next or following is None or position_ms < following.position_ms:
            return
        self._has_seen_next = True
        if (position_ms, self._index) != (following.position_ms, following.index):
            raise ShardMismatchError("It has other frames between key frames than its index says.")

    def _check_images(self) -> None:
        """Check that images are made in the same way as those of the first frame."""
        facts = self._part.facts
        if (self._capture.display, self._capture.ratio) != (facts.display, facts.ratio):
            raise ShardMismatchError("Its images change their orientation or aspect ratio.")

    def _check_end(self) -> None:
        """Check that the video ends where the index says."""
        end = self._capture.end(self.start_ms)
        is_sound = isinstance(end, KnownEnd) and not end.lost and not end.is_damaged
        is_complete = self._has_seen_next and self._index + 1 == self._part.facts.frames
        if not is_sound or not is_complete:
            raise ShardMismatchError("It does not end where its index says.")
