"""Fitting a picture into a model's input without changing its proportions, and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.frame import Image

# The grey that Ultralytics trains and exports with:
# https://docs.ultralytics.com/reference/data/augment/#ultralytics.data.augment.LetterBox
_PADDING = 114


@dataclass(frozen=True)
class Letterbox:
    """The placement of a picture inside a model's input.

    Attributes:
        width, height: the picture's size in pixels.
        scale: input pixels for a picture pixel, the same both ways.
        left, top: where the scaled picture's corner lies in the input, in pixels.
    """

    width: int
    height: int
    scale: float
    left: int
    top: int

    @classmethod
    def fit(cls, width: int, height: int, input_width: int, input_height: int) -> Letterbox:
        """Centre a picture of this size in an input of that size, as large as it fits."""
        scale = min(input_width / width, input_height / height)
        fitted_width, fitted_height = _scaled(width, scale), _scaled(height, scale)
        return cls(
            width=width,
            height=height,
            scale=scale,
            left=(input_width - fitted_width) // 2,
            top=(input_height - fitted_height) // 2,
        )

    def apply(self, image: Image, input_width: int, input_height: int) -> Image:
        """Return the picture in its place, padded with grey: input_height x input_width x 3."""
        size = (_scaled(self.width, self.scale), _scaled(self.height, self.scale))
        canvas = np.full((input_height, input_width, 3), _PADDING, dtype=np.uint8)
        canvas[self.top : self.top + size[1], self.left : self.left + size[0]] = cv2.resize(
            image, size, interpolation=cv2.INTER_LINEAR
        )
        return canvas

    def undo(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map boxes from the input back to the picture, clipped to it.

        Args:
            boxes: N x 4, x1 y1 x2 y2 in input pixels.

        Returns:
            N x 4 float32, x1 y1 x2 y2 in the picture's pixels.
        """
        # The fitted size is in whole pixels, so the two axes' true scales differ by a hair.
        scale_x = _scaled(self.width, self.scale) / self.width
        scale_y = _scaled(self.height, self.scale) / self.height
        offset = np.array([self.left, self.top, self.left, self.top], dtype=np.float32)
        scale = np.array([scale_x, scale_y, scale_x, scale_y], dtype=np.float32)
        limit = np.array([self.width, self.height, self.width, self.height], dtype=np.float32)
        inside: NDArray[np.float32] = np.clip((boxes - offset) / scale, 0, limit)
        return inside


def _scaled(length: int, scale: float) -> int:
    return max(1, round(length * scale))
