"""Decoding: grab every frame, retrieve only the sampled ones.

`grab()` decodes; `retrieve()` converts to BGR and rotates. Skipping the second for frames that
are not sampled halves the time of `read()`. Where samples are far apart, the frames between them
are not even decoded.
"""

from __future__ import annotations

from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING

import cv2

from pipeline.bounds import too_long
from pipeline.capture import open_capture
from pipeline.coverage import Claim, Coverage
from pipeline.errors import RejectedError
from pipeline.frame import Frame
from pipeline.packets import SEEK_FRAMES, read_packets
from pipeline.pictures import Pictures, fourcc
from pipeline.position import start_ms
from pipeline.runlog import Stage
from pipeline.seeking import Seeker, UnsafeError
from pipeline.stream import GuardedStream
from pipeline.walking import Walk

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from pipeline.config import Limits
    from pipeline.frame import Image
    from pipeline.packets import Packets
    from pipeline.runlog import RunLog
    from pipeline.sampling import Sampler
    from pipeline.stream import ByteStream
    from pipeline.walking import Places


# A picture that equals the one before it is looked at again up to this frame; later that would
# cost too much, and what a video is shows at its beginning.
_LAST_DOUBTFUL_INDEX = 2000


class _DoubtfulFrameError(Exception):
    """A sampled frame's picture may be that of the one before it."""

    def __init__(self, index: int, segment: int) -> None:
        super().__init__(index)
        self.index = index
        self.segment = segment


class Video:
    """A video, read once from beginning to end, by one thread; others may watch and stop it.

    OpenCV calls back into Python for the bytes. In the main thread an interrupt could be raised
    there, which ends the process in C++: so the thread that reads is never the main one.

    Attributes:
        start_ms: the stream's own time of its first frame, known once a frame was read, to
            the nearest frame period (all that OpenCV tells); None where it does not say.
        duration_ms: presentation time of the last frame read or passed over.
        claim: what the header says, once open.
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
        self._doubtful: _DoubtfulFrameError | None = None
        self._decode = Stage("decode")
        self.start_ms: float | None = None
        self.duration_ms = 0.0
        self.claim = Claim()
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
        self._stream.end()

    def _frames(self, sampler: Sampler) -> Iterator[Frame]:
        try:
            yield from self._best_way(sampler)
        except _DoubtfulFrameError as doubtful:
            # Once more, from that frame on: the sampler passes over what it has.
            self._doubtful = doubtful
            self._decode.failed = 0
            yield from self._best_way(sampler)

    def _best_way(self, sampler: Sampler) -> Iterator[Frame]:
        with self._opened() as capture:
            frames_between = sampler.interval_ms * capture.get(cv2.CAP_PROP_FPS) / 1000
            if frames_between <= SEEK_FRAMES:
                yield from self._sampled(capture, self._every_frame(capture), sampler)
                return
        packets = self._packets(sampler)
        if packets is not None:
            with self._opened() as capture, suppress(UnsafeError):
                wanted = self._wanted_frames(capture, packets, sampler)
                yield from self._sampled(capture, wanted, sampler)
                return
        with self._opened() as capture:
            yield from self._sampled(capture, self._every_frame(capture), sampler)

    def _packets(self, sampler: Sampler) -> Packets | None:
        with self._opened(packets=True) as capture, self._decode.timed():
            packets = read_packets(capture, self._stream, sampler.interval_ms, self.claim)
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
            capture, self.claim = open_capture(
                self._stream, self._name, self._limits, threads=self._threads, packets=packets
            )
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
                        self.start_ms = start_ms(capture)
                    segment = self._segment_for(index, pts_ms, sampler)
                    image = None if segment is None else self._picture(pictures, index, segment)
                self.duration_ms = max(self.duration_ms, pts_ms)
                self._check_length()
                if segment is not None and image is not None:
                    self._decode.items_out += 1
                    yield Frame(index, pts_ms, segment, image)
                elif segment is not None:
                    self._decode.failed += 1
                if sampler.is_done(pts_ms):
                    return

    def _segment_for(self, index: int, pts_ms: float, sampler: Sampler) -> int | None:
        if self._doubtful is not None and index == self._doubtful.index:
            return self._doubtful.segment
        return sampler.segment_for(pts_ms)

    def _picture(self, pictures: Pictures, index: int, segment: int) -> Image | None:
        picture = pictures.take()
        if pictures.stands_still and self._doubtful is None and index <= _LAST_DOUBTFUL_INDEX:
            raise _DoubtfulFrameError(index, segment)
        return picture

    def _every_frame(self, capture: cv2.VideoCapture) -> Places:
        walk = Walk(capture, self._stream, self.claim)
        try:
            yield from walk.places()
        finally:
            self._decode.failed += walk.corrupt
            self.coverage = walk.coverage
        if not walk.coverage.decoded:
            raise RejectedError("no_decodable_frame", _no_frame(capture, self._name))

    def _wanted_frames(
        self, capture: cv2.VideoCapture, packets: Packets, sampler: Sampler
    ) -> Places:
        seeker = Seeker(capture, packets, self._stream.beat)
        try:
            if self._doubtful is not None:
                seeker.go(self._doubtful.index)
                yield seeker.rank, packets.pts_ms(seeker.rank)
            while (rank := packets.first_after(sampler.next_ms)) < packets.count:
                seeker.go(rank)
                self._stream.check()
                yield rank, packets.pts_ms(rank)
            with suppress(UnsafeError):  # an edit list may leave out the last packets
                seeker.go(packets.count - 1)
            self.duration_ms = packets.pts_ms(seeker.rank)
        finally:
            skipped = max(0, seeker.rank + 1 - seeker.decoded)
            self.coverage = Coverage(seeker.decoded, skipped=skipped)


def _no_frame(capture: cv2.VideoCapture, name: str) -> str:
    codec = f"'{fourcc(capture)}'" if fourcc(capture) else "unknown"
    return (
        f"{name} has a video stream (codec {codec}) but not one frame could be decoded: the codec "
        "is not supported here, or the data is damaged. Convert it to H.264."
    )
