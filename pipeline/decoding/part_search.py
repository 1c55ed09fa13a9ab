"""Find where the parts of a video begin, so that each can be decoded apart from the others."""

from __future__ import annotations

from collections.abc import Generator
from fractions import Fraction
from typing import TYPE_CHECKING, TypeAlias

from pipeline.decoding.evidence import GapEvidence
from pipeline.decoding.key_frame import KeyFrame, ShardMismatchError, VideoFacts
from pipeline.decoding.packet_reading import SEEK_COST_FRAMES, times_listed
from pipeline.decoding.seeking import INTERLACED

if TYPE_CHECKING:
    from pipeline.decoding.backend import IndexedCapture, KeyFrameIndex
    from pipeline.decoding.division import Division
    from pipeline.decoding.packet_index import PacketIndex
    from pipeline.decoding.sampling import SamplingGrid
    from pipeline.decoding.strategy import Strategy
    from pipeline.decoding.stream import GuardedStream

Parts: TypeAlias = Generator[tuple[int, KeyFrame], None, VideoFacts]
"""The first segment of each part but the first one, and its key frame. Returns the facts."""


def find_parts(
    capture: IndexedCapture, stream: GuardedStream, strategy: Strategy, division: Division
) -> Parts:
    """Yield where each part but the first begins. Parts that have no key frame join the one before.

    Args:
        capture: opened for frames, at the beginning.
        stream: the stream that the capture reads.
        strategy: what one process would do with the whole video, as far as its packets tell.
        division: how large the parts are to be.

    Raises:
        ShardMismatchError: the video cannot be divided. The message says why.
        Exception: whatever reading the stream raised.
    """
    has_frame = capture.grab()
    stream.raise_pending_error()
    first_ms = capture.position_ms
    if not has_frame or first_ms is None or capture.evidence != GapEvidence():
        raise ShardMismatchError("Its first packet does not decode to a frame with a time.")
    start_ms, display, ratio = capture.start_ms, capture.display, capture.ratio
    grid = strategy.grid
    if grid.snap == "key" and capture.is_interlaced:
        strategy = strategy.every_frame(INTERLACED)
    index = capture.index()
    seconds = float(index.end_ms - first_ms) / 1000
    _check_strategy(capture.fps, grid, seconds)
    packets = strategy.packets
    if packets is not None:
        _check_packets(packets, capture, stream, index)
    last_index = 0
    for segment, point_us in division.later_parts(grid, int(seconds * 1_000_000)):
        # The time of a frame is rounded to microseconds before it is compared with a grid point.
        key_frame = index.key_frame_before(first_ms + Fraction(2 * point_us - 1, 2000))
        stream.raise_pending_error()
        stream.report_progress()
        if key_frame is not None and key_frame.index > last_index:
            last_index = key_frame.index
            yield segment, key_frame
    if capture.track is None:
        raise ShardMismatchError("It is not known which track is decoded.")
    return VideoFacts(
        frames=index.frames,
        first_ms=first_ms,
        start_ms=start_ms,
        seconds=seconds,
        display=display,
        ratio=ratio,
        track=capture.track,
        width=capture.width,
        height=capture.height,
        fps=capture.fps,
        snap_obstacle=strategy.obstacle,
        key_frame_seconds=0.0 if packets is None else packets.longest_key_frame_ms / 1000,
    )


def _check_packets(
    packets: PacketIndex, capture: IndexedCapture, stream: GuardedStream, listed: KeyFrameIndex
) -> None:
    """Check that packets that were read are those of the index, which is what parts read."""
    if packets.places is not None:
        return  # it is that index
    found = times_listed(listed, capture, stream)
    if (found.times_ms, found.key_frames) != (packets.times_ms, packets.key_frames):
        raise ShardMismatchError("Its packets are not those of its index.")


def _check_strategy(fps: float, grid: SamplingGrid, seconds: float) -> None:
    """Check that one process, which may seek from sample to sample, ends at the same frame."""
    if grid.snap == "key":
        return  # all read the same index, and end with it; or all decode every frame
    if grid.snap == "reference":
        raise ShardMismatchError("With sampling.snap=reference, one process decodes in order.")
    has_end = grid.end_us is not None and grid.end_us < seconds * 1_000_000
    if has_end and grid.every_us / 1_000_000 * fps > SEEK_COST_FRAMES:
        raise ShardMismatchError(
            "Its samples are far apart and end before the video does, so one process seeks."
        )
