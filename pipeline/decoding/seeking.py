"""Decode only the sampled frames: seek to the key frame before each, and verify every frame.

Which frames these are is known before, by the packet index.

OpenCV's seek is inexact. It computes the target from the average frame rate, and in a container
without an index it can land on any frame (https://github.com/opencv/opencv/issues/9053). So each
seek aims at a key frame, and from there the time of each decoded frame must equal the time in the
packet index.
"""

from __future__ import annotations

import math
import time
from itertools import islice
from typing import TYPE_CHECKING, cast

from pipeline.coverage import Coverage
from pipeline.decoding.decoder import FramePosition, shown_until_ms
from pipeline.decoding.key_frame import ShardMismatchError
from pipeline.decoding.packet_reading import SEEK_COST_FRAMES
from pipeline.decoding.targets import Target, frames_of_part, later_key_frames

if TYPE_CHECKING:
    from pipeline.decoding.backend import Capture, IndexedCapture
    from pipeline.decoding.sampling import Sampler
    from pipeline.decoding.stream import GuardedStream
    from pipeline.decoding.targets import Targets

INTERLACED = "its frames are interlaced, and each image needs three of them"
"""Why key frames are not decoded alone, in words that follow a colon."""

# If a seek lands too late, the next one aims this much earlier.
_BACK_OFF_MS = (0.0, 500.0, 2000.0, 8000.0)
# Most decoders give a frame after so many further packets.
_HELD_BACK = 2
# FFmpeg reads so much at once, and so perhaps a little beyond a packet.
_READ_AHEAD_BYTES = 32 * 1024
# So many key frames are fetched before they are decoded. A request takes longer than decoding.
_FETCHED_BEFORE = 2
# More bytes in a row are read faster in blocks, each ahead of the reader.
_MOST_ANNOUNCED_BYTES = 16 * 1024 * 1024


class SeekMismatchError(Exception):
    """Every frame must be decoded: the decoded frames are not those of the packet index.

    The message says what else is the reason; it is empty if nothing is.
    """


class SeekingDecoder:
    """Decodes up to each sampled frame; seeks where that was measured to be faster.

    Attributes:
        start_ms: stream time of the first frame; None if unknown.
        last_pts_ms: presentation time of the last decoded frame.
        failed_grabs: always 0. A failed grab is a mismatch.
    """

    def __init__(  # noqa: PLR0913 - what is decoded, and how
        self,
        capture: Capture,
        stream: GuardedStream,
        targets: Targets,
        sampler: Sampler,
        first_index: int | None = None,
        *,
        key_capture: IndexedCapture | None = None,
    ) -> None:
        """Create a decoder that stands before the first frame.

        Args:
            capture: opened for frames, at the beginning.
            stream: the stream that the capture reads.
            targets: the times of all frames, and which one is the sample of a grid point.
            sampler: tells which grid point is next.
            first_index: decode this frame first, whatever the sampler says; None: no such frame.
            key_capture: the same capture, if it can decode a key frame alone, and samples are moved
                to key frames; else None.
        """
        self.start_ms: float | None = None
        self.last_pts_ms = 0.0
        self.failed_grabs = 0
        self._capture = capture
        self._stream = stream
        self._packets = targets.packets
        self._targets = targets
        self._sampler = sampler
        self._first_index = first_index
        self._key_capture = key_capture
        self._is_alone = False  # the current frame was decoded alone
        self._target: Target | None = None
        self._index = self._target_index = self._furthest = -1
        self._decoded = 0
        # Up to the second key frame every frame is decoded. That shows that packets are frames.
        key_frames = self._packets.key_frames
        self._verified_until = key_frames[1] if len(key_frames) > 1 else self._packets.count
        self._part = part = sampler.part
        self._counted = range(self._packets.count)
        if part is not None:
            self.start_ms = part.facts.start_ms
            self._counted = frames_of_part(part, targets, sampler.grid, self._verified_until)
            self._verified_until = self._verified_until if part.start is None else -1
        self._decode_seconds = 0.0
        self._seek_seconds = 0.0
        self._seeks = 0
        self._may_seek = True
        self._has_ended = False
        if self._packets.places is not None:
            cast("IndexedCapture", capture).read_no_other_track()
            self._expect(0, max(0, self._verified_until))

    def next_frame(self) -> FramePosition | None:
        """Decode the next sampled frame, so that it can be retrieved; return None at the end.

        Raises:
            SeekMismatchError: the decoded frames are not those of the packet index.
            Exception: whatever reading the stream raised.
        """
        target = self._next_target()
        if target is None:
            self._has_ended = True
            self._reach_end()
            return None
        self._target = target
        if not self._decode_to(target.index):
            raise SeekMismatchError
        self._stream.raise_pending_error()
        self._check_images()
        self._target_index = target.index
        pts_ms, until_ms = self._packets.pts_ms(target.index), target.until_ms
        if until_ms == math.inf:
            duration_ms = cast("IndexedCapture", self._capture).duration_ms
            until_ms = shown_until_ms(pts_ms, duration_ms)
        return FramePosition(target.index, pts_ms, until_ms)

    def coverage(self) -> Coverage:
        """Return how many frames were decoded and skipped, and how much the end is too early."""
        if self._part is not None:
            return Coverage(self._decoded, skipped=len(self._counted) - self._decoded)
        return Coverage(
            self._decoded,
            skipped=max(0, self._index + 1 - self._decoded),
            seconds_short=self._packets.seconds_short if self._has_ended else 0.0,
        )

    def _check_images(self) -> None:
        """Check that the images of a part are made in the same way as those of the first frame."""
        if self._part is None:
            return
        capture, facts = cast("IndexedCapture", self._capture), self._part.facts
        if (capture.display, capture.ratio) != (facts.display, facts.ratio):
            raise ShardMismatchError("Its images change their orientation or aspect ratio.")

    def _reach_end(self) -> None:
        """Decode the last frame: for the duration, and to know that it is there."""
        last = self._packets.count - 1
        if self._key_capture is not None:  # nothing but samples is to be decoded
            self._index, self.last_pts_ms = last, self._packets.pts_ms(last)
        elif not self._decode_to(last):
            raise SeekMismatchError

    def _next_target(self) -> Target | None:
        """Return the next frame to decode; None if no later one is a sample."""
        if self._first_index is not None:
            target, self._first_index = Target(self._first_index, None), None
            return target
        found = self._targets.at(self._sampler.next_us)
        return found if found is not None and found.index > self._target_index else None

    def _decode_to(self, index: int) -> bool:
        """Decode up to a frame; return False on a mismatch with the packet index."""
        verify_to = min(index, self._verified_until)
        if self._index < verify_to and not self._decode_all_to(verify_to):
            return False
        if self._index == index:
            return True
        key_frame = self._packets.key_frame_before(index)
        is_next = index == self._index + 1 and not self._is_alone
        if key_frame == index and not is_next and self._key_capture is not None:
            return self._decode_alone(index, self._key_capture)
        if self._seek_is_faster(key_frame):
            self._expect(key_frame, index + _HELD_BACK)
            if not self._seek(key_frame):
                return False
        return self._decode_all_to(index)

    def _decode_alone(self, key_frame: int, capture: IndexedCapture) -> bool:
        """Decode a key frame and no other one; return False on a mismatch with the packet index."""
        stream_ms = self._packets.times_ms[key_frame]
        self._expect_key_frame(key_frame)
        for back_off_ms in _BACK_OFF_MS:
            capture.seek_key(stream_ms, back_off_ms)
            if capture.grab():
                break
        else:
            return False
        if self._position_ms() != stream_ms or not capture.is_intra:
            return False
        if capture.is_interlaced:
            raise SeekMismatchError(INTERLACED)
        self._is_alone = True
        self._index = key_frame
        self._count()
        self.last_pts_ms = self._packets.pts_ms(key_frame)
        return True

    def _expect(self, first: int, last: int) -> None:
        """Announce the packets that are read after a seek."""
        if self._packets.places is not None:
            start, end = self._packets.places.range_of(first, last)
            if end - start <= _MOST_ANNOUNCED_BYTES:
                self._stream.expect(start, end + _READ_AHEAD_BYTES)

    def _expect_key_frame(self, key_frame: int) -> None:
        """Announce the packet of a key frame, and those of the next two that are decoded alone."""
        places = self._packets.places
        if places is not None:
            later = later_key_frames(self._targets, self._target, self._sampler.grid, self._part)
            frames = (key_frame, *islice(later, _FETCHED_BEFORE))
            ranges = [places.range_of(frame, frame) for frame in frames]
            (start, end), *others = [(start, end + _READ_AHEAD_BYTES) for start, end in ranges]
            self._stream.expect(start, end, others)

    def _seek_is_faster(self, key_frame: int) -> bool:
        if self._key_capture is not None and not self._is_alone:
            return key_frame > self._index  # not measured: parts decode what the whole does
        if self._is_alone or not self._may_seek:
            return self._is_alone
        frames = key_frame - self._index
        if not self._seeks:
            return frames > SEEK_COST_FRAMES
        return self._seek_seconds / self._seeks < frames * self._decode_seconds / self._decoded

    def _seek(self, key_frame: int) -> bool:
        """Seek to a key frame or a little before it; return False if no attempt lands there."""
        started, index_before = time.perf_counter(), self._index
        for back_off_ms in _BACK_OFF_MS:
            index = self._land_near(self._packets.times_ms[key_frame] - back_off_ms)
            if index is not None and index <= key_frame:
                self._index = index
                break
        else:
            return False
        self.last_pts_ms = self._packets.pts_ms(self._index)
        # After a seek that goes back, all later ones would go back to the same frame.
        self._may_seek = self._is_alone or self._index > index_before
        self._is_alone = False
        self._seeks += 1
        self._seek_seconds += time.perf_counter() - started
        return True

    def _land_near(self, stream_ms: float) -> int | None:
        """Seek to about a stream time, and return the index of the frame that was decoded there."""
        self._capture.seek(max(0.0, stream_ms))
        if not self._capture.grab():
            return None
        return self._packets.index_at(self._capture.position_ms)

    def _count(self) -> None:
        """Count the current frame, but only once: after a key frame alone, a seek goes back.

        Frames that another part counts are not counted.
        """
        self._decoded += self._index > self._furthest and self._index in self._counted
        self._furthest = max(self._furthest, self._index)

    def _position_ms(self) -> float | None:
        position_ms = self._capture.position_ms
        return None if position_ms is None else float(position_ms)

    def _decode_all_to(self, index: int) -> bool:
        started = time.perf_counter()
        while self._index < index:
            expected_ms = self._packets.times_ms[self._index + 1]
            if not self._capture.grab() or self._position_ms() != expected_ms:
                return False
            # Where packets were not read before, damage shows only now.
            if self._packets.places is not None and self._capture.evidence.is_damaged:
                return False
            self._index += 1
            self._count()
            if self._index == 0:
                self.start_ms = self._capture.start_ms
                if self._key_capture is not None and self._key_capture.is_interlaced:
                    raise SeekMismatchError(INTERLACED)
            self.last_pts_ms = self._packets.pts_ms(self._index)
            self._stream.report_progress()
        self._decode_seconds += time.perf_counter() - started
        return True
