"""Find the sample of a grid point among frames whose times are known before they are decoded."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.decoding.key_frame import Part
    from pipeline.decoding.packet_index import PacketIndex
    from pipeline.decoding.sampling import SamplingGrid


@dataclass(frozen=True, slots=True)
class Target:
    """A frame to decode.

    Attributes:
        index: its frame index.
        until_ms: as `FramePosition` has it; infinity: until the end of the last frame.
    """

    index: int
    until_ms: float | None


class Targets(Protocol):
    """Knows which frame is the sample of a grid point.

    Attributes:
        packets: the times of all frames.
    """

    packets: PacketIndex

    def at(self, point_us: int) -> Target | None:
        """Return the sample of a grid point that has none; None if the video ends before it."""


def frames_of_part(part: Part, targets: Targets, grid: SamplingGrid, verified_until: int) -> range:
    """Return the frames that one part counts, so that all parts count each frame once.

    They are those after the last sample of the part before, up to the last sample of this part. So
    a part counts what one process decodes for the same samples.

    Args:
        part: the part.
        targets: the samples of the whole video.
        grid: the sampling grid.
        verified_until: up to this frame the first part decodes all, and counts them.
    """

    def after_samples_before(segment: int) -> int:
        target = targets.at(grid.first_point_us(segment) - grid.every_us)
        last = targets.packets.count - 1 if target is None else target.index
        return max(verified_until, last) + 1

    return range(
        0 if part.start is None else after_samples_before(part.first_segment),
        targets.packets.count
        if part.end_segment is None
        else after_samples_before(part.end_segment),
    )


def later_key_frames(
    targets: Targets, target: Target | None, grid: SamplingGrid, part: Part | None
) -> Iterator[int]:
    """Yield the key frames that are the samples after one, up to a sample that is no key frame.

    Args:
        targets: the samples of the whole video.
        target: the sample before; None: nothing is known of it.
        grid: the sampling grid.
        part: the part that is decoded, with which they end; None: all of the video.
    """
    while target is not None and target.until_ms is not None and target.until_ms < math.inf:
        point = grid.last_point_at(round(1000 * target.until_ms) - 1) + 1
        target = targets.at(grid.point_us(point))
        if target is None or targets.packets.key_frame_before(target.index) != target.index:
            return
        if part is not None and part.ends_before(grid.segment_of(point)):
            return
        yield target.index


class PickedTargets:
    """The samples by `sampling.pick`: those that are found when all frames are decoded."""

    def __init__(self, packets: PacketIndex, grid: SamplingGrid) -> None:
        """Create the targets of a video.

        Args:
            packets: the times of all frames.
            grid: the sampling grid.
        """
        self.packets = packets
        self._grid = grid

    def at(self, point_us: int) -> Target | None:
        """Return the sample of a grid point that has none; None if the video ends before it."""
        if self._grid.pick == "on_show":
            return self._on_show(point_us)
        index = self.packets.first_at_or_after(point_us / 1000)
        return None if index >= self.packets.count else Target(index, None)

    def _on_show(self, point_us: int) -> Target | None:
        if self._grid.is_past_end(point_us):
            return None
        index = self.packets.last_at_or_before(point_us / 1000)
        is_last = index + 1 == self.packets.count
        return Target(index, math.inf if is_last else self.packets.pts_ms(index + 1))
