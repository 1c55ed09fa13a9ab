"""Decode a video and yield the sampled frames.

Every frame is decoded (`grab`), but only sampled frames are converted to BGR and rotated
(`retrieve`). That takes half the time of `read`. `Strategy` tells which frames need not be decoded.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, cast

from pipeline.decoding.capture import open_capture
from pipeline.decoding.decoder import DecodeResult
from pipeline.decoding.header import HeaderInfo
from pipeline.decoding.key_frame import NoIndexError, ShardMismatchError
from pipeline.decoding.limits import check_length, stalled_error
from pipeline.decoding.packet_reading import (
    is_reading_cheaper,
    listed_packet_index,
    read_packet_index,
)
from pipeline.decoding.part_search import find_parts
from pipeline.decoding.refusals import unconvertible_error
from pipeline.decoding.rejections import check_protection, no_frame_error
from pipeline.decoding.retrieval import FrameRetriever, RepeatedFrameError
from pipeline.decoding.sampling import no_sample_error
from pipeline.decoding.seeking import SeekMismatchError
from pipeline.decoding.strategy import BAD_LIST, TOO_MANY_BYTES, Strategy, choose_strategy
from pipeline.decoding.stream import GuardedStream
from pipeline.frame import Frame
from pipeline.runlog import StageLog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline.config.schema import LimitsConfig
    from pipeline.coverage import Coverage
    from pipeline.decoding.backend import BackendName, Capture, ConversionCheck, IndexedCapture
    from pipeline.decoding.decoder import FrameDecoder, FramePosition, Frames
    from pipeline.decoding.division import Division
    from pipeline.decoding.part_search import Parts
    from pipeline.decoding.sampling import Sampler, SamplingGrid
    from pipeline.resources.capacity import Capacity
    from pipeline.runlog import RunLog
    from pipeline.storage.source import ByteStream

# An image that equals the one before it is checked up to this frame. Whether a video is interlaced
# shows at its beginning, and later the check would cost too much.
_LAST_CHECKED_INDEX = 2000


class _EmptyTrackError(Exception):
    """No frame of a track decodes, and the file has another track, of `next_rank`."""

    def __init__(self, next_rank: int) -> None:
        super().__init__()
        self.next_rank = next_rank


class Video:
    """A video that is read once, from beginning to end, in one thread.

    Never read it in the main thread. OpenCV calls back into Python for the bytes, and an interrupt
    that Python raises in such a callback ends the process.

    Attributes:
        header: what the header says; empty until the video is open.
    """

    def __init__(  # noqa: PLR0913 - each argument is a different part of the video
        self,
        stream: ByteStream,
        name: str,
        limits: LimitsConfig,
        *,
        threads: int,
        capacity: Capacity | None = None,
        on_progress: Callable[[], None] = lambda: None,
        backend: BackendName = "opencv",
        square_pixels: bool = True,
        conversion_failed: ConversionCheck | None = None,
    ) -> None:
        """Create a video; nothing is read yet.

        Args:
            stream: readable and seekable; the caller closes it.
            name: name of the video in messages.
            limits: the configured limits.
            threads: number of threads the decoder may use.
            capacity: what the function has, of which the memory is checked; None: no check.
            on_progress: called whenever the decoder makes progress.
            backend: the library that decodes. A process must use only one.
            square_pixels: make images of square pixels.
            conversion_failed: tells after each image whether FFmpeg refused to convert it; None:
                unknown, so that images are compared up to frame 2,000.
        """
        self.header = HeaderInfo()
        self._name = name
        self._limits = limits
        self._stream = GuardedStream(stream, on_progress)
        self._backend = backend
        # PyAV says itself that it cannot convert a frame: it gives no image.
        self._conversion_failed = conversion_failed if backend == "opencv" else lambda: None
        self._open_capture = partial(
            open_capture,
            self._stream,
            name,
            limits,
            threads=threads,
            capacity=capacity,
            backend=backend,
            square_pixels=square_pixels,
        )
        self._log = StageLog("decode")
        self._repeated: RepeatedFrameError | None = None
        self._unconverted: int | None = None  # the first frame without an image
        self._restarted = False
        self._rank = 0  # of the track that is decoded

    def frames(self, sampler: Sampler, log: RunLog) -> Frames:
        """Yield the sampled frames; add the counts of `fetch` and `decode` to the log.

        Raises:
            RejectedError: the video cannot be read, exceeds a limit, no frame of it decodes, or
                none is in the sampled range.
            ShardMismatchError: a part is not as its plan says.
            CapacityError: its images do not fit the memory of the function.
            Exception: whatever reading the stream raised.
        """
        try:
            return (yield from self._frames(sampler))
        finally:
            fetch = self._stream.fetch_log()
            self._log.seconds -= fetch.seconds
            log.add(fetch)
            log.add(self._log)

    def parts(self, grid: SamplingGrid, division: Division, log: RunLog) -> Parts:
        """Yield where each part but the first begins, as `find_parts` does.

        Raises:
            ShardMismatchError: the video cannot be divided.
            Exception: as `frames`.
        """
        if self._backend != "pyav":
            raise ShardMismatchError("Only the backend pyav can begin at a frame exactly.")
        strategy = Strategy(grid, None, self._backend)
        if grid.snap == "key":
            strategy = self._with_packets(strategy, is_plan=True)
        capture = self._open()
        try:
            indexed = cast("IndexedCapture", capture)
            return (yield from find_parts(indexed, self._stream, strategy, division))
        finally:
            capture.release()
            log.add(self._stream.fetch_log())

    def likely_seconds(self, done_seconds: float) -> float | None:
        """Return the likely length, as seen after so many seconds of video; None if unknown."""
        return self.header.likely_seconds(done_seconds, self._stream.share_read)

    def check_stalled(self) -> None:
        """Check from another thread that the decoder makes progress.

        Raises:
            RejectedError: it made none for longer than the limit.
        """
        if self._stream.idle_seconds > self._limits.stalled_seconds:
            raise stalled_error(self._name, self._limits)

    def stop(self) -> None:
        """Make `frames` end soon. May be called from any thread."""
        self._stream.stop()

    def _frames(self, sampler: Sampler) -> Frames:
        """Decode with the chosen strategy; start again if it turns out to be wrong.

        No frame is yielded twice, because the sampler remembers what was sampled.
        """
        capture, strategy = self._open_with_strategy(sampler)
        while True:
            first_index = self._repeated.index if self._repeated else None
            decoder = strategy.decoder(capture, self._stream, self.header, sampler, first_index)
            try:
                result = yield from self._decode(capture, decoder, sampler)
            except SeekMismatchError as mismatch:
                strategy = strategy.every_frame(str(mismatch), from_us=sampler.next_us)
            except RepeatedFrameError as repeated:
                # Retrieve it again, as the first image of a new capture. Once is enough.
                self._repeated, self._restarted = repeated, True
                self._log.failed = 0
            except _EmptyTrackError as empty:
                strategy = strategy.every_frame("the track that was chosen first has no frame")
                self._rank = empty.next_rank
                self._log.failed = 0
            else:
                return replace(result, note=strategy.note)
            finally:
                capture.release()
            capture = self._open()

    def _open_with_strategy(self, sampler: Sampler) -> tuple[Capture, Strategy]:
        """Open the video and choose the strategy, for which the packets may be read first."""
        capture = self._open()
        strategy = choose_strategy(capture, sampler, self._backend)
        if not strategy.needs_packets:
            return capture, strategy
        capture.release()
        strategy = self._with_packets(strategy)
        return self._open(), strategy

    def _with_packets(self, strategy: Strategy, *, is_plan: bool = False) -> Strategy:
        """Return the strategy with the packet index.

        It is that of the container's header alone, where reading packets costs, and for a part: the
        plan relies on the header too, after the packets were read. If the container has none, the
        packets are read, but not for a plan: such a video cannot be divided.
        """
        is_part = strategy.part is not None
        with self._opened_packets() as packets:
            if self._backend != "pyav" or not (self._stream.is_ranged or is_part):
                return self._with_read_packets(strategy, packets)
            try:
                indexed = cast("IndexedCapture", packets)
                index = listed_packet_index(indexed, self._stream, strategy.interval_ms)
                return strategy.with_packets(index)
            except NoIndexError:
                if is_part or is_plan:
                    raise
                return self._with_read_packets(strategy, packets)
            except ShardMismatchError:
                if is_part:
                    raise
                if strategy.grid.snap == "key":
                    return strategy.every_frame(BAD_LIST)
        with self._opened_packets() as packets:
            return self._with_read_packets(strategy, packets)

    def _with_read_packets(self, strategy: Strategy, packets: Capture) -> Strategy:
        """Return the strategy with all packets, unless it costs less to decode all frames."""
        pixels, size = packets.width * packets.height, self._stream.size
        is_dear = self._stream.is_ranged and not is_reading_cheaper(
            packets.frame_count, pixels, size
        )
        if strategy.grid.snap == "key" and is_dear:
            return strategy.every_frame(TOO_MANY_BYTES)
        index = read_packet_index(packets, strategy.interval_ms, self.header)
        return strategy.with_packets(index)

    @contextmanager
    def _opened_packets(self) -> Iterator[Capture]:
        packets = self._open(packets=True)
        try:
            with self._log.timed():
                yield packets
        finally:
            packets.release()
        self._stream.raise_pending_error()

    def _open(self, *, packets: bool = False) -> Capture:
        with self._log.timed():
            capture, self.header = self._open_capture(packets=packets, rank=self._rank)
        return capture

    def _decode(self, capture: Capture, decoder: FrameDecoder, sampler: Sampler) -> Frames:
        """Yield the sampled frames of one pass through the video."""
        retriever = FrameRetriever(capture, self._name, self._conversion_failed)
        try:
            while True:
                self._stream.report_progress()
                with self._log.timed():
                    position = decoder.next_frame()
                    if position is None:
                        break
                    frame = self._sampled_frame(position, retriever, sampler)
                check_length(self._name, position.pts_ms, self._limits)
                if frame is not None:
                    self._log.items_out += 1
                    yield frame
                if sampler.is_done(position.pts_ms):
                    break
        finally:
            coverage = decoder.coverage()
            self._log.items_in = coverage.decoded
            self._log.failed += decoder.failed_grabs
        if not coverage.decoded and sampler.part is None:
            if capture.next_rank is not None:
                raise _EmptyTrackError(capture.next_rank)
            raise no_frame_error(capture, self._stream, self._name)
        has_ended = position is None and sampler.part is None
        if self._lost(coverage, decoder, has_ended=has_ended) > coverage.decoded:
            check_protection(self._stream, self._name)
        if self._unconverted is not None and not self._log.items_out:
            raise unconvertible_error(self._name, self._unconverted)
        if not sampler.has_sampled:
            raise no_sample_error(self._name, sampler.grid, decoder.last_pts_ms)
        return DecodeResult(
            coverage, decoder.last_pts_ms, decoder.start_ms, capture.display, capture.track
        )

    def _lost(self, coverage: Coverage, decoder: FrameDecoder, *, has_ended: bool) -> int:
        """Return how many frames failed to decode, as far as anything tells.

        OpenCV tells of failed grabs where PyAV tells of lost frames, but not of those at the end.
        """
        lost = max(coverage.lost, decoder.failed_grabs)
        if has_ended and self.header.frames is not None:
            lost = max(lost, self.header.frames - coverage.decoded - coverage.skipped)
        return lost

    def _sampled_frame(
        self, position: FramePosition, retriever: FrameRetriever, sampler: Sampler
    ) -> Frame | None:
        """Return the frame with its image; None if it is not sampled or cannot be converted."""
        index, pts_ms = position.index, position.pts_ms
        if self._repeated is not None and self._repeated.index == index:
            segment, self._repeated = self._repeated.segment, None
        else:
            sampled_segment = sampler.segment_for(pts_ms, position.until_ms)
            if sampled_segment is None:
                return None
            segment = sampled_segment
        image = retriever.retrieve(index)
        if retriever.repeats_previous and not self._restarted and index <= _LAST_CHECKED_INDEX:
            raise RepeatedFrameError(index, segment)
        if image is None:
            self._log.failed += 1
            self._unconverted = index if self._unconverted is None else self._unconverted
            return None
        return Frame(index, pts_ms, segment, image)
