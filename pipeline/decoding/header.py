"""What the header of an opened video says. Headers can be wrong; decoding shows what is true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.decoding.backend import Capture
    from pipeline.decoding.containers.container import Container


@dataclass(frozen=True, slots=True)
class HeaderInfo:
    """Length of a video according to its header.

    Attributes:
        seconds: length of the video or of its sound, whichever is longer; None if unknown.
        frames: number of frames in the container's index; None if the container has no index.
    """

    seconds: float | None = None
    frames: int | None = None

    def likely_seconds(self, done_seconds: float, share_read: float) -> float | None:
        """Return the likely length, seen from a place in the video; None if unknown.

        A length without an index is often wrong: a clock that was set in a transport stream makes
        it hours longer. So it counts only as far as the bytes that were read so far agree.

        Args:
            done_seconds: presentation time of the place.
            share_read: where the place is in the bytes of the file, 0 to 1.
        """
        if self.seconds is None or self.seconds < done_seconds:
            return None
        if self.frames is not None or not share_read:
            return self.seconds
        return min(self.seconds, done_seconds / share_read)


def read_header(capture: Capture, container: Container, size_bytes: int) -> HeaderInfo:
    """Return what the header says.

    A header that gives more frames than the file has bytes is ignored.
    """
    rate, count = capture.fps, capture.frame_count
    if not (rate > 0 and 0 < count <= size_bytes):
        return HeaderInfo()
    return HeaderInfo(count / rate, int(count) if container.has_index else None)
