"""Small images of kept frames for the report: few, evenly over the time of a video of any length.

Time is divided into equal cells, and the first kept frame of each cell has a thumbnail. When there
are too many, cells become twice as long. So a thumbnail of long cells is also one of short cells,
and those of several shards, put together and thinned, are those of one process.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.frame import Image

MOST_CANDIDATES = 400
"""Largest number of thumbnails in memory: 5 MB of usual images, 9 MB of noise."""

_SIDE, _QUALITY = 320, 70
_SHORTEST_CELL_MS = 1.0


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """What the report keeps of a frame's image. It is small, and can be sent between processes.

    Attributes:
        index: frame index; the frame's record in the dataset has its boxes and time.
        pts_ms: presentation time in milliseconds after the first frame.
        jpeg: the image, with its longer side at 320 pixels or less.
    """

    index: int
    pts_ms: float
    jpeg: bytes


def make_thumbnail(index: int, pts_ms: float, image: Image) -> Thumbnail:
    """Return the thumbnail of a frame's image. It takes about half a millisecond."""
    height, width = image.shape[:2]
    scale = min(1.0, _SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    twice = (2 * size[0], 2 * size[1])
    if twice[0] < width and twice[1] < height:
        # Averages of all pixels take ten times as long, and look hardly better at this size.
        image = cv2.resize(image, twice, interpolation=cv2.INTER_NEAREST)  # type: ignore[assignment]
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    _, jpeg = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return Thumbnail(index, pts_ms, jpeg.tobytes())


class Candidates:
    """Tells of which kept frames thumbnails are to be made, while their images are at hand."""

    def __init__(self, most: int = MOST_CANDIDATES) -> None:
        """Create it. When so many have thumbnails, cells become twice as long."""
        self._most = most
        self._cell_ms = _SHORTEST_CELL_MS
        self._times_ms: list[float] = []

    def takes(self, pts_ms: float) -> bool:
        """Tell whether a kept frame gets a thumbnail. Frames must come in presentation order."""
        times = self._times_ms
        if times and pts_ms // self._cell_ms == times[-1] // self._cell_ms:
            return False
        times.append(pts_ms)
        if len(times) > self._most:
            self._cell_ms, chosen = spread(times, self._most)
            self._times_ms = [times[position] for position in chosen]
        return True


class ContactSheet:
    """Collects thumbnails, in presentation order."""

    def __init__(self, most: int = MOST_CANDIDATES) -> None:
        """Create an empty one, which never holds more than so many thumbnails."""
        self._most = most
        self._thumbnails: list[Thumbnail] = []

    def add(self, thumbnail: Thumbnail) -> None:
        """Add a thumbnail. If there are too many, each second one or so is dropped."""
        self._thumbnails.append(thumbnail)
        self._thumbnails = self.chosen(self._most)

    def chosen(self, most: int) -> list[Thumbnail]:
        """Return at most so many thumbnails, evenly over time."""
        if len(self._thumbnails) <= most:
            return self._thumbnails
        _, positions = spread([each.pts_ms for each in self._thumbnails], most)
        return [self._thumbnails[position] for position in positions]


def spread(times_ms: Sequence[float], most: int) -> tuple[float, list[int]]:
    """Choose at most so many of times, evenly.

    Args:
        times_ms: the times, ascending.
        most: largest number of them to choose, at least 1.

    Returns:
        The length of the cells, in milliseconds, and the positions of the first time in each cell.
    """
    cell_ms = _SHORTEST_CELL_MS
    while True:
        first = {time // cell_ms: position for position, time in reversed([*enumerate(times_ms)])}
        if len(first) <= most:
            return cell_ms, sorted(first.values())
        cell_ms *= 2
