"""The interface of a frame decoder: one way through a video, from frame to frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Generator

    from pipeline.coverage import Coverage
    from pipeline.frame import Display, Frame, Track


_MICROSECOND_MS = 0.001


@dataclass(frozen=True, slots=True)
class FramePosition:
    """Where a decoder stands in a video.

    Attributes:
        index: frame index in the source, from 0.
        pts_ms: presentation time in milliseconds after the first frame.
        until_ms: the frame is the sample of the grid points before this time that have none yet;
            None: of those up to `pts_ms`.
    """

    index: int
    pts_ms: float
    until_ms: float | None = None


def shown_until_ms(pts_ms: float, duration_ms: float) -> float:
    """Return the end of the last frame, which is on show at its own time at least."""
    return pts_ms + max(duration_ms, _MICROSECOND_MS)


@dataclass(frozen=True, slots=True)
class DecodeResult:
    """What is known of a video once it was decoded.

    Attributes:
        coverage: what was decoded, and what is missing.
        duration_ms: presentation time of the last frame that was decoded or skipped.
        start_ms: stream time of the first frame, to the nearest frame period, which is all that
            OpenCV tells; None if unknown.
        display: how the images were made of the stored pixels.
        track: which video track was decoded; None if unknown.
        note: what a person has to know of the choice of samples; None if nothing.
    """

    coverage: Coverage
    duration_ms: float
    start_ms: float | None
    display: Display
    track: Track | None
    note: str | None = None


class FrameDecoder(Protocol):
    """Decodes the frames of one capture, from the first one on.

    Attributes:
        start_ms: stream time of the first frame; None if unknown.
        last_pts_ms: presentation time of the last decoded frame.
    """

    start_ms: float | None
    last_pts_ms: float

    @property
    def failed_grabs(self) -> int:
        """Number of failed grabs, without those that are the end."""

    def next_frame(self) -> FramePosition | None:
        """Decode the next frame that may be sampled, so that it can be retrieved; None: the end."""

    def coverage(self) -> Coverage:
        """Return what was decoded and what is missing. Call it once, after the last frame."""


Frames: TypeAlias = "Generator[Frame, None, DecodeResult]"
"""Sampled frames in presentation order. The generator's return value is the `DecodeResult`."""
