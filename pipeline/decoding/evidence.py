"""What a backend knows of lost frames: between two frames, and at the end of the video."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class GapEvidence:
    """What is known of the time between a frame and the frame before it.

    Attributes:
        lost: number of damaged packets there that gave no frame.
        late: number of frames that were counted as lost before, and came now.
        may_miss: whether packets may be missing there, so that a gap in time counts as lost.
        is_damaged: whether the file shows damage there.
        failed: number of grabs that failed there. They count where no rate shows how many frames
            are missing.
        lead_ms: before the first frame, the time from the first lost packet to it.
    """

    lost: int = 0
    late: int = 0
    may_miss: bool = False
    is_damaged: bool = False
    failed: int = 0
    lead_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class HeaderEnd:
    """The end of a video of which only the header tells how long it should be.

    Attributes:
        start_ms: stream time of the first frame; some headers count their length from 0.
        read_past_end: whether the decoder tried to read beyond the end of the file.
    """

    start_ms: float | None = None
    read_past_end: bool = False


@dataclass(frozen=True, slots=True)
class KnownEnd:
    """The end of a video whose packets are known.

    Attributes:
        lost: number of packets after the last frame that are damaged.
        unread: number of packets that the index has after the last one that was read.
        short_ms: time from the last packet of any stream to the end that the header gives; not
            positive if the file is as long as its header says, or the header says nothing.
        left_share: bytes after the last packet, as a share of those before.
        is_damaged: whether the file is cut off or damaged there.
        period_ms: nominal time between two frames; 0 if unknown.
    """

    lost: int = 0
    unread: int = 0
    short_ms: float = 0.0
    left_share: float = 0.0
    is_damaged: bool = False
    period_ms: float = 0.0


VideoEnd: TypeAlias = HeaderEnd | KnownEnd
