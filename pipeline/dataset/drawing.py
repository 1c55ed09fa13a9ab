"""Draw boxes and captions on an image."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import cv2

from pipeline.dataset.palette import COLOURS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.frame import Image

_BGR = tuple(tuple(bytes.fromhex(colour[1:]))[::-1] for colour in COLOURS)
_FONT = cv2.FONT_HERSHEY_SIMPLEX


class CaptionedBox(NamedTuple):
    """A box with its corners in image pixels, its class id (for the colour) and its caption."""

    x1: float
    y1: float
    x2: float
    y2: float
    class_id: int
    caption: str


def draw_boxes(image: Image, boxes: Iterable[CaptionedBox]) -> Image:
    """Return a copy of the picture with a box and a caption for each box."""
    canvas = image.copy()
    size = max(1.0, min(image.shape[:2]) / 576)
    thickness, scale = round(2 * size), 0.45 * size
    for box in boxes:
        colour = _BGR[box.class_id % len(_BGR)]
        top_left = (round(box.x1), round(box.y1))
        cv2.rectangle(canvas, top_left, (round(box.x2), round(box.y2)), colour, thickness)
        (width, height), below = cv2.getTextSize(box.caption, _FONT, scale, 1)
        # A caption that would leave the image at the top or the right is moved inside.
        left = max(0, min(top_left[0], image.shape[1] - 1 - width))
        bottom = max(top_left[1], height + below)
        corner = (left + width, bottom - height - below)
        cv2.rectangle(canvas, (left, bottom), corner, colour, cv2.FILLED)
        origin = (left, bottom - below)
        cv2.putText(canvas, box.caption, origin, _FONT, scale, (0, 0, 0), 1, cv2.LINE_AA)
    return canvas
