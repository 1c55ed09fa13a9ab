"""Tiles: overlapping parts of an image in which objects are detected, for small objects.

A model sees an image scaled down to a few hundred pixels, in which small objects disappear. In a
tile they are larger. The method is that of Akyon et al., Slicing Aided Hyper Inference:
https://arxiv.org/abs/2202.06934
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pipeline.detection.boxes import areas, intersections
from pipeline.frame import Detections

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pipeline.frame import Image

# A box touches an edge of its tile if it is at most this far away from it: models place the sides
# of boxes to within a few pixels. The first number is a share of the tile's side.
_MARGIN_SHARE = 0.01
_MIN_MARGIN_PIXELS = 2.0
# If at least this share of a cut box lies in a larger box of its class, it is removed.
_MIN_COVERED_SHARE = 0.5


class Tile(NamedTuple):
    """A part of an image, in whole pixels of the image; x2 and y2 are exclusive."""

    x1: int
    y1: int
    x2: int
    y2: int

    def crop(self, image: Image) -> Image:
        """Return the pixels of the image that are in the tile."""
        return image[self.y1 : self.y2, self.x1 : self.x2]


def tile_grid(width: int, height: int, count: int, overlap: float) -> list[Tile]:
    """Return count x count tiles of one size that cover an image.

    Args:
        width: width of the image in pixels.
        height: height of the image in pixels.
        count: number of tiles in each row and in each column.
        overlap: the smallest share of its side that a tile has in common with the next tile.

    Returns:
        The tiles, row by row. No tile reaches beyond the image.
    """
    columns, rows = _spans(width, count, overlap), _spans(height, count, overlap)
    return [Tile(x1, y1, x2, y2) for y1, y2 in rows for x1, x2 in columns]


def shift_to_image(detections: Detections, tile: Tile) -> Detections:
    """Return the detections of a tile with boxes in pixels of the image."""
    corner = np.array([tile.x1, tile.y1] * 2, dtype=np.float32)
    return replace(detections, boxes=detections.boxes + corner)


def touches_inner_edge(boxes: NDArray[np.float32], tile: Tile, image: Tile) -> NDArray[np.bool_]:
    """Return which boxes touch an edge of their tile that is not an edge of the image.

    Args:
        boxes: N x 4, x1 y1 x2 y2 in image pixels.
        tile: the tile in which the boxes were detected.
        image: the whole image.

    Returns:
        N: whether the object may continue outside the tile.
    """
    sides = np.array([tile.x2 - tile.x1, tile.y2 - tile.y1] * 2)
    margin = np.maximum(sides * _MARGIN_SHARE, _MIN_MARGIN_PIXELS)
    is_inner_edge = np.array(tile) != np.array(image)
    is_near = np.abs(boxes - np.array(tile)) <= margin
    touches: NDArray[np.bool_] = (is_near & is_inner_edge).any(axis=1)
    return touches


def merge_tiles(
    detections_of_tiles: Sequence[Detections], are_cut: Sequence[NDArray[np.bool_]]
) -> Detections:
    """Join the detections of several tiles, and remove cut boxes whose object has a larger box.

    A cut box is removed if at least half of it lies in a larger box of its class. An object can
    still have several boxes: NMS has to follow.

    Args:
        detections_of_tiles: detections of each tile, with boxes in image pixels.
        are_cut: for each tile, which of its boxes touch an inner edge.

    Returns:
        The detections that remain, tile by tile.
    """
    joined = Detections.concat(detections_of_tiles)
    return Detections.concat(
        [
            _remove_covered(detections, is_cut, joined)
            for detections, is_cut in zip(detections_of_tiles, are_cut, strict=True)
        ]
    )


def _remove_covered(
    detections: Detections, is_cut: NDArray[np.bool_], others: Detections
) -> Detections:
    cut = detections[is_cut]
    cut_areas = areas(cut.boxes)[:, np.newaxis]
    # Only a larger box removes a box, so that two boxes never remove each other.
    is_covered = (
        (cut.class_ids[:, np.newaxis] == others.class_ids)
        & (cut_areas < areas(others.boxes))
        & (intersections(cut.boxes, others.boxes) >= _MIN_COVERED_SHARE * cut_areas)
    )
    is_kept = ~is_cut
    is_kept[is_cut] = ~is_covered.any(axis=1)
    return detections[is_kept]


def _spans(length: int, count: int, overlap: float) -> list[tuple[int, int]]:
    """Return starts and ends of the shortest spans of one length that cover `length` pixels."""
    if count == 1:
        return [(0, length)]
    gaps = count - 1
    # Before rounding, n spans that overlap by a share o cover n - (n - 1) * o times their length.
    side = max(1, int(length / (count - gaps * overlap)))
    while -(-(length - side) // gaps) > side * (1 - overlap):
        side += 1
    return [(start, start + side) for start in ((length - side) * n // gaps for n in range(count))]
