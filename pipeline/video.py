"""Decoding: grab every frame, retrieve only the sampled ones.

`grab()` decodes; `retrieve()` converts to BGR and rotates. Skipping the second for frames that
are not sampled halves the time of `read()`. Where samples are far apart, the frames between them
are not even decoded.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING

import cv2

from pipeline.bounds import claimed_seconds, too_long
from pipeline.capture import open_capture
from pipeline.clock import Clock
from pipeline.coverage import Coverage, CoverageMeter
from pipeline.errors import RejectedError
from pipeline.frame import Frame
from pipeline.packets import SEEK_FRAMES, position_ms, read_packets
from pipeline.pictures import Pictures, fourcc
from pipeline.runlog import Stage
from pipeline.seeking import Seeker, UnsafeError
from pipeline.stream import GuardedStream

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.config import Limits
    from pipeline.packets import Packets
    from pipeline.runlog import RunLog
    from pipeline.sampling import Sampler
    from pipeline.stream import ByteStream

# A failed grab is a corrupt frame in mid-file, or the end; this many in a row are the end. They
# take 0.3 s together, so fewer will do once the header's claim is nearly fulfilled.
_FAILED_GRABS_AT_END = 10_000
_FAILED_GRABS_AT_CLAIMED_END = 200
_NEARLY = 0.98
# OpenCV tells the start in frame periods; of slide shows that says nothing.
_LONGEST_PERIOD_MS = 100.0

Places = Generator[tuple[int, float], None, None]
"""Where a capture stands, again and again: a frame's index, and its time after the first in ms."""


class Video:
    """A video, read once from beginning to end, by one thread; others may watch and stop it.

    OpenCV calls back into Python for the bytes. In the main thread an interrupt could be raised
    there, which ends the process in C++: so the thread that reads is never the main one.

    Attributes:
        start_ms: the stream's own time of its first frame, known once a frame was read, to
            the nearest frame period (all that OpenCV tells); None where it does not say.
        duration_ms: presentation time of the last frame read or passed over.
        hinted_seconds: the length that the header claims, once open.
        coverage: what was decoded, and what is missing; known at the end.
    """

    def __init__(self, stream: ByteStream, name: str, limits: Limits, *, threads: int) -> None:
        """Touch nothing yet.

        Args:
            stream: readable and seekable; the caller closes it.
            name: what to call it in messages.
            limits: the most that it may ask for.
            threads: how many the decoder may use.
        """
        self._name = name
        self._limits = limits
        self._threads = threads
        self._stream = GuardedStream(stream)
        self._stopped = False
        self._decode = Stage("decode")
        self.start_ms: float | None = None
        self.duration_ms = 0.0
        self.hinted_seconds: float | None = None
        self.coverage = Coverage()

    def frames(self, sampler: Sampler, log: RunLog) -> Generator[Frame, None, None]:
        """Yield the sampled frames in presentation order; count into `fetch` and `decode`.

        Raises:
            RejectedError: it is no video that can be read, or none of its frames decodes.
            Exception: whatever reading the stream raises.
        """
        try:
            yield from self._frames(sampler)
        finally:
            fetch = self._stream.fetched()
            self._decode.items_in = self.coverage.decoded
            self._decode.seconds -= fetch.seconds
            log.add(fetch)
            log.add(self._decode)

    def watch(self) -> None:
        """Give up a decoder that reads nothing and yields nothing, from another thread.

        Raises:
            RejectedError: it has been silent for longer than the limit.
        """
        if self._stream.silent_seconds > self._limits.stalled_seconds:
            raise RejectedError(
                "stalled",
                f"{self._name} holds up the decoder: for {self._limits.stalled_seconds:g} seconds "
                "it yielded no frame. Encode it anew, or raise limits.stalled_seconds.",
            )

    def stop(self) -> None:
        """Make `frames` end soon, from another thread."""
        self._stopped = True
        self._stream.end()

    def _frames(self, sampler: Sampler) -> Iterator[Frame]:
        with self._opened() as capture:
            frames_between = sampler.interval_ms * capture.get(cv2.CAP_PROP_FPS) / 1000
            pictures = Pictures(capture, self._name)
            if pictures.doubtful:
                pictures.check()
            elif frames_between <= SEEK_FRAMES:
                yield from self._sampled(capture, self._every_frame(capture), sampler)
                return
        packets = self._packets(sampler) if frames_between > SEEK_FRAMES else None
        if packets is not None:
            with self._opened() as capture, suppress(UnsafeError):
                wanted = self._wanted_frames(capture, packets, sampler)
                yield from self._sampled(capture, wanted, sampler)
                return
        with self._opened() as capture:
            yield from self._sampled(capture, self._every_frame(capture), sampler)

    def _packets(self, sampler: Sampler) -> Packets | None:
        with self._opened(packets=True) as capture, self._decode.timed():
            packets = read_packets(capture, sampler.interval_ms, self.hinted_seconds)
        self._stream.check()
        return packets

    def _check_length(self) -> None:
        hours = self.duration_ms / 3_600_000
        if hours > self._limits.hours:
            raise RejectedError(
                "too_long", f"{self._name} {too_long('is at least', hours, self._limits)}"
            )

    @contextmanager
    def _opened(self, *, packets: bool = False) -> Iterator[cv2.VideoCapture]:
        with self._decode.timed():
            capture = open_capture(
                self._stream, self._name, self._limits, threads=self._threads, packets=packets
            )
        self.hinted_seconds = claimed_seconds(capture, self._stream.size)
        try:
            yield capture
        finally:
            capture.release()

    def _sampled(
        self, capture: cv2.VideoCapture, places: Places, sampler: Sampler
    ) -> Iterator[Frame]:
        """Go from place to place; retrieve what is sampled."""
        pictures = Pictures(capture, self._name)
        with closing(places):
            while True:
                self._stream.beat()
                with self._decode.timed():
                    place = next(places, None)
                    if place is None:
                        return
                    index, pts_ms = place
                    if index == 0:
                        self.start_ms = _start(capture)
                    segment = sampler.segment_for(pts_ms)
                    image = pictures.take() if segment is not None else None
                self.duration_ms = max(self.duration_ms, pts_ms)
                self._check_length()
                if segment is not None and image is not None:
                    self._decode.items_out += 1
                    yield Frame(index, pts_ms, segment, image)
                elif segment is not None:
                    self._decode.failed += 1
                if sampler.is_done(pts_ms):
                    return

    def _every_frame(self, capture: cv2.VideoCapture) -> Places:
        clock = Clock(capture.get(cv2.CAP_PROP_FPS))
        meter = CoverageMeter()
        index = 0
        failed = 0
        try:
            while failed < self._patience() and not self._stopped:
                if not capture.grab():
                    self._stream.check()
                    failed += 1
                    continue
                pts_ms = clock.tick(position_ms(capture))
                meter.frame(pts_ms, failed_before=failed)
                self._decode.failed += failed
                failed = 0
                yield index, pts_ms
                index += 1
        finally:
            claim = self.hinted_seconds if failed == self._patience() else None
            self.coverage = meter.end(claim, self.start_ms)
        if index == 0:
            raise RejectedError("no_decodable_frame", _no_frame(capture, self._name))

    def _patience(self) -> int:
        """Return how many failed grabs in a row are the end."""
        claim_ms = 1000 * (self.hinted_seconds or math.inf)
        near = self.duration_ms >= _NEARLY * claim_ms
        return _FAILED_GRABS_AT_CLAIMED_END if near else _FAILED_GRABS_AT_END

    def _wanted_frames(
        self, capture: cv2.VideoCapture, packets: Packets, sampler: Sampler
    ) -> Places:
        seeker = Seeker(capture, packets)
        rank = -1
        try:
            while (rank := packets.first_after(sampler.next_ms)) < packets.count:
                seeker.go(rank)
                self._stream.check()
                yield rank, packets.pts_ms(rank)
            self.duration_ms = packets.pts_ms(packets.count - 1)
        finally:
            reached = min(rank + 1, packets.count)
            self.coverage = Coverage(seeker.decoded, skipped=max(0, reached - seeker.decoded))


def _start(capture: cv2.VideoCapture) -> float | None:
    # CAP_PROP_PTS counts in frame periods and is -2**63 where the rate is unknown.
    periods = capture.get(cv2.CAP_PROP_PTS)
    rate = capture.get(cv2.CAP_PROP_FPS)
    known = rate >= 1000 / _LONGEST_PERIOD_MS and abs(periods) < 2**53
    return round(1000 * periods / rate, 3) if known else None


def _no_frame(capture: cv2.VideoCapture, name: str) -> str:
    codec = f"'{fourcc(capture)}'" if fourcc(capture) else "unknown"
    return (
        f"{name} has a video stream (codec {codec}) but not one frame could be decoded: the codec "
        "is not supported here, or the data is damaged. Convert it to H.264."
    )
