"""How much of a video was decoded, and where frames are missing."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MissingRange:
    """A time range without frames, in milliseconds after the first frame.

    Attributes:
        from_ms: when the next frame was due; negative before the first frame.
        to_ms: time of the next frame, or the end of the video.
        frames: number of missing frames.
    """

    from_ms: float
    to_ms: float
    frames: int

    def __str__(self) -> str:
        return f"{self.from_ms / 1000:.3f}-{self.to_ms / 1000:.3f}"


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of a video was decoded.

    Attributes:
        decoded: number of decoded frames.
        skipped: number of frames between samples that were not decoded. Damage in them is unknown.
        lost: number of missing frames.
        seconds_lost: total length of the missing ranges.
        missing_ranges: the first 100 missing ranges.
        seconds_short: time from the end of the streams to the end that the header gives, if nothing
            shows whether frames are missing there.
    """

    decoded: int = 0
    skipped: int = 0
    lost: int = 0
    seconds_lost: float = 0.0
    missing_ranges: tuple[MissingRange, ...] = ()
    seconds_short: float = 0.0

    @property
    def share(self) -> float:
        """Share of the frames to be decoded that were decoded, 0 to 1; 1 if there were none."""
        due = self.decoded + self.lost
        return self.decoded / due if due else 1.0
