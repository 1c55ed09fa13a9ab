"""Looking closer: a picture in overlapping tiles, and what was found in them put together.

A model sees a picture scaled to its own few hundred pixels, where small objects are nothing. In a
tile they are larger. Akyon et al., Slicing Aided Hyper Inference: https://arxiv.org/abs/2202.06934
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pipeline.detection.boxes import areas, intersections
from pipeline.frame import Detections

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pipeline.frame import Image

# A box so near to its tile's edge reaches it: models place edges to a few pixels.
_MARGIN_SHARE = 0.01
_SMALLEST_MARGIN_PIXELS = 2.0
# So much of a part that was cut off is within the box of the whole object.
_COVERED_SHARE = 0.5


class Tile(NamedTuple):
    """A part of a picture, in whole pixels of it; x2 and y2 are the first beyond."""

    x1: int
    y1: int
    x2: int
    y2: int

    def of(self, image: Image) -> Image:
        """Return the picture's pixels in it."""
        return image[self.y1 : self.y2, self.x1 : self.x2]


def tile_grid(width: int, height: int, count: int, overlap: float) -> list[Tile]:
    """Cut a picture into count x count tiles of one size.

    Args:
        width: of the picture, in pixels.
        height: of the same.
        count: how many tiles lie side by side, and one below the other.
        overlap: the share of its side that a tile has at least in common with its neighbour.

    Returns:
        The tiles, row by row; together they cover the picture, and nothing beyond it.
    """
    columns, rows = _spans(width, count, overlap), _spans(height, count, overlap)
    return [Tile(x1, y1, x2, y2) for y1, y2 in rows for x1, x2 in columns]


def shift_to_image(found: Detections, tile: Tile) -> Detections:
    """Return what was found in a tile, in the pixels of the whole picture."""
    corner = np.array([tile.x1, tile.y1] * 2, dtype=np.float32)
    return Detections(found.boxes + corner, found.scores, found.class_ids)


def touches_inner_edge(boxes: NDArray[np.float32], tile: Tile, picture: Tile) -> NDArray[np.bool_]:
    """Say which boxes reach an edge of their tile that is none of the picture's.

    Args:
        boxes: N x 4, x1 y1 x2 y2 in the whole picture's pixels.
        tile: where they were found.
        picture: the whole of it.

    Returns:
        N: whether more of the object may lie beyond.
    """
    sides = np.array([tile.x2 - tile.x1, tile.y2 - tile.y1] * 2)
    margin = np.maximum(sides * _MARGIN_SHARE, _SMALLEST_MARGIN_PIXELS)
    inner = np.array(tile) != np.array(picture)
    touching: NDArray[np.bool_] = ((np.abs(boxes - np.array(tile)) <= margin) & inner).any(axis=1)
    return touching


def merge_tiles(views: Sequence[Detections], parts: Sequence[NDArray[np.bool_]]) -> Detections:
    """Put what several views show together, without parts of objects that a view has more of.

    Args:
        views: what each found, in the whole picture's pixels; the same object may be in several.
        parts: for each view, which of its boxes are cut off.

    Returns:
        The boxes of all views, view by view, except cut-off ones of which at least a half lies
        within a larger box of their class. NMS is still to come.
    """
    every = Detections.concat(views)
    return Detections.concat(
        [_without_parts(*view, every) for view in zip(views, parts, strict=True)]
    )


def _without_parts(view: Detections, parts: NDArray[np.bool_], every: Detections) -> Detections:
    cut = np.flatnonzero(parts)
    cut_areas = areas(view.boxes[cut])[:, np.newaxis]
    # A part is smaller than what it is a part of: so two parts never remove one another.
    covered = (
        (view.class_ids[cut, np.newaxis] == every.class_ids)
        & (cut_areas < areas(every.boxes))
        & (intersections(view.boxes[cut], every.boxes) >= _COVERED_SHARE * cut_areas)
    )
    rows = np.delete(np.arange(len(view)), cut[covered.any(axis=1)])
    return view[rows]


def _spans(length: int, count: int, overlap: float) -> list[tuple[int, int]]:
    """Return the starts and ends of overlapping spans of one length, the shortest that will do."""
    if count == 1:
        return [(0, length)]
    gaps = count - 1
    # Without rounding, spans that share a part o with the next cover n - (n - 1) o of their sides.
    side = max(1, int(length / (count - gaps * overlap)))
    while -(-(length - side) // gaps) > side * (1 - overlap):
        side += 1
    return [(start, start + side) for start in ((length - side) * n // gaps for n in range(count))]
