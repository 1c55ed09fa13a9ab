"""Find the sample of a grid point among frames whose times are known before they are decoded."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
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
