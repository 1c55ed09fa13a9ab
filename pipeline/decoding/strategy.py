"""Choose how a video is decoded: every frame, only samples, or only frames that others need."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from pipeline.decoding.key_frame import ShardMismatchError
from pipeline.decoding.packet_reading import SEEK_COST_FRAMES
from pipeline.decoding.part_decoder import PartDecoder
from pipeline.decoding.reference_decoder import ReferenceDecoder, reference_obstacle
from pipeline.decoding.seeking import SeekingDecoder
from pipeline.decoding.sequential import SequentialDecoder
from pipeline.decoding.snapping import KeyFrameTargets
from pipeline.decoding.targets import PickedTargets

if TYPE_CHECKING:
    from pipeline.decoding.backend import BackendName, Capture, IndexedCapture
    from pipeline.decoding.decoder import FrameDecoder
    from pipeline.decoding.header import HeaderInfo
    from pipeline.decoding.key_frame import Part
    from pipeline.decoding.packet_index import PacketIndex
    from pipeline.decoding.sampling import Sampler, SamplingGrid
    from pipeline.decoding.stream import GuardedStream
    from pipeline.decoding.targets import Targets

BAD_LIST = "its header hides frames of the video, or says of its packets what cannot be true"
"""Why key frames are not samples, in words that follow a colon. So are the others."""

TOO_MANY_BYTES = (
    "its header does not list its packets, and it has so many bytes that to fetch it from S3 "
    "again may take longer than to decode it"
)
_NO_INDEX = (
    "its packets show damage, or do not tell the time of each frame, or the decoder gives other "
    "frames than they say"
)


@dataclass(frozen=True)
class Strategy:
    """How the frames of one video are decoded.

    Attributes:
        grid: the sampling grid.
        part: the part of the video that is decoded; None: all of it.
        backend: the library that decodes.
        needs_packets: whether samples are to be found by the times of all frames.
        packets: these times; None: every frame is decoded.
        targets: the samples, where they are known before they are decoded; else None.
        obstacle: where and why `sampling.snap` is not followed; None if it is, or is `exact`.
    """

    grid: SamplingGrid
    part: Part | None
    backend: BackendName
    needs_packets: bool = False
    packets: PacketIndex | None = None
    targets: Targets | None = None
    obstacle: str | None = None

    @property
    def interval_ms(self) -> float:
        """Time between samples; infinity if the packets are needed, whatever seeking costs."""
        return self.grid.every_us / 1000 if self.grid.snap == "exact" else math.inf

    def with_packets(self, packets: PacketIndex | None) -> Strategy:
        """Return the strategy with what `read_packet_index` returned."""
        if packets is None:
            return self.every_frame()
        if self.part is not None and packets.count != self.part.facts.frames:
            raise ShardMismatchError("Its packets are not those of its index.")
        targets: Targets | None = None
        if self.grid.snap == "exact":
            targets = PickedTargets(packets, self.grid)
        elif self.grid.snap == "key":
            targets = KeyFrameTargets(packets, self.grid)
        return replace(self, packets=packets, targets=targets)

    def every_frame(self, obstacle: str = "", *, from_us: int = 0) -> Strategy:
        """Return the strategy for a video whose packets cannot be used.

        Args:
            obstacle: why, in words that follow a colon; empty: they are not as they should be.
            from_us: time of the first grid point that has no sample yet.

        Raises:
            ShardMismatchError: only a part is decoded, whose frames are then not known.
        """
        if self.part is not None:
            raise ShardMismatchError("Its key frames cannot be found by its packets.")
        if self.grid.snap == "exact":
            return Strategy(self.grid, None, self.backend)
        since = f"from {from_us / 1e6:g} s on " if from_us > self.grid.start_us else ""
        said = f"{since}samples are exact: {obstacle or _NO_INDEX}"
        return Strategy(self.grid, None, self.backend, obstacle=said)

    @property
    def note(self) -> str | None:
        """What a person has to know of the samples, as a sentence; None if nothing."""
        if self.obstacle is not None:
            return (
                f"sampling.snap is {self.grid.snap}, but every frame was decoded, and "
                f"{self.obstacle}."
            )
        return self.targets.note() if isinstance(self.targets, KeyFrameTargets) else None

    def decoder(
        self,
        capture: Capture,
        stream: GuardedStream,
        header: HeaderInfo,
        sampler: Sampler,
        first_index: int | None,
    ) -> FrameDecoder:
        """Return a decoder for a capture that stands before the first frame.

        Args:
            capture: opened for frames.
            stream: the stream that it reads.
            header: what the video's header says.
            sampler: tells which grid point is next.
            first_index: decode this frame first; None: no such frame.
        """
        indexed, looks_ahead = cast("IndexedCapture", capture), self.grid.pick == "on_show"
        if self.part is not None and self.packets is None:
            return PartDecoder(indexed, stream, self.part, looks_ahead=looks_ahead)
        if self.packets is None:
            return SequentialDecoder(capture, stream, header, indexed if looks_ahead else None)
        if self.targets is None:
            return ReferenceDecoder(indexed, stream, self.packets, self.grid)
        keys = indexed if self.grid.snap == "key" and self.backend == "pyav" else None
        return SeekingDecoder(capture, stream, self.targets, sampler, first_index, key_capture=keys)


def choose_strategy(capture: Capture, sampler: Sampler, backend: BackendName) -> Strategy:
    """Return the strategy for a video, as far as it is known before its packets are read.

    Args:
        capture: opened for frames. Nothing is read from it.
        sampler: which frames are wanted.
        backend: the library that decodes.
    """
    every_frame = Strategy(sampler.grid, sampler.part, backend)
    if sampler.part is not None and not sampler.part.snaps(sampler.grid.snap):
        return replace(every_frame, obstacle=sampler.part.facts.snap_obstacle)
    if sampler.grid.snap == "reference":
        obstacle = reference_obstacle(capture.codec_name, backend)
        if obstacle is not None:
            return every_frame.every_frame(obstacle)
    frames_between_samples = sampler.interval_ms * capture.fps / 1000
    if sampler.grid.snap == "exact" and frames_between_samples <= SEEK_COST_FRAMES:
        return every_frame
    return replace(every_frame, needs_packets=True)
