"""Drawing objects onto a picture, for a person to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import cv2

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.frame import Image

# Okabe and Ito's colours, told apart by colour-blind eyes too; BGR.
# https://jfly.uni-koeln.de/color/
_PALETTE = (
    (0, 159, 230), (233, 180, 86), (115, 158, 0), (66, 228, 240),
    (178, 114, 0), (0, 94, 213), (167, 121, 204),
)  # fmt: skip
_FONT = cv2.FONT_HERSHEY_SIMPLEX


class Mark(NamedTuple):
    """One object: its corners in the picture's pixels, its class and what to write on it."""

    x1: float
    y1: float
    x2: float
    y2: float
    class_id: int
    caption: str


def draw(image: Image, marks: Iterable[Mark]) -> Image:
    """Return a copy of the picture with a box and a caption for each mark."""
    canvas = image.copy()
    size = max(1.0, min(image.shape[:2]) / 576)
    thickness, scale = round(2 * size), 0.45 * size
    for mark in marks:
        colour = _PALETTE[mark.class_id % len(_PALETTE)]
        top_left = (round(mark.x1), round(mark.y1))
        cv2.rectangle(canvas, top_left, (round(mark.x2), round(mark.y2)), colour, thickness)
        (width, height), below = cv2.getTextSize(mark.caption, _FONT, scale, 1)
        # A caption at the upper or the right edge goes inside.
        left = max(0, min(top_left[0], image.shape[1] - 1 - width))
        bottom = max(top_left[1], height + below)
        corner = (left + width, bottom - height - below)
        cv2.rectangle(canvas, (left, bottom), corner, colour, cv2.FILLED)
        origin = (left, bottom - below)
        cv2.putText(canvas, mark.caption, origin, _FONT, scale, (0, 0, 0), 1, cv2.LINE_AA)
    return canvas
