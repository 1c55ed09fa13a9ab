"""How the stored pixels of a video are displayed: made square, mirrored, turned.

The rules are those of FFmpeg's players, so that an image is what a person sees.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.frame import Image

_SQUARE = Fraction(1)
# Ratios beyond these are errors of a header. 8:1 is twice what any format has.
_FLATTEST, _TALLEST = Fraction(8), Fraction(1, 8)
# Encoders round: 853:854 or 2740:2739 stand for square pixels. Nobody sees one percent.
_ROUNDING = Fraction(1, 100)


@dataclass(frozen=True, slots=True)
class Orientation:
    """How an image is displayed: first mirrored, then turned.

    Attributes:
        quarter_turns: by how many quarter turns clockwise, 0 to 3.
        is_mirrored: whether left and right are swapped first.
    """

    quarter_turns: int = 0
    is_mirrored: bool = False

    @property
    def swaps_sides(self) -> bool:
        """Whether the width becomes the height."""
        return self.quarter_turns % 2 == 1

    def applied(self, image: Image) -> Image:
        """Return an image, H x W x 3, as it is displayed; a view where nothing moves."""
        mirrored = image[:, ::-1] if self.is_mirrored else image
        return np.ascontiguousarray(np.rot90(mirrored, -self.quarter_turns))


def orientation_of(matrix: Sequence[int]) -> Orientation:
    """Return how an image with a display matrix is displayed.

    Right angles only, with or without a mirror. At any other angle, images stay as they are.
    Source of the rules: `configure_input_video_filter` in FFmpeg's `fftools/ffmpeg_filter.c`, and
    `av_display_rotation_get` in `libavutil/display.c`.

    Args:
        matrix: nine numbers, row by row, in fixed-point arithmetic; the scale does not matter.
    """
    a, b, _, c, d, *_ = matrix
    widths = math.hypot(a, c), math.hypot(b, d)
    if not all(widths):
        return Orientation()
    match round(math.degrees(math.atan2(b / widths[1], a / widths[0]))) % 360:
        case 0 if d < 0:  # bottom up
            return Orientation(2, is_mirrored=True)
        case 90:
            return Orientation(3, is_mirrored=True) if c > 0 else Orientation(1)
        case 180:
            return Orientation(2) if d < 0 else Orientation(0, is_mirrored=True)
        case 270:
            return Orientation(1, is_mirrored=True) if c < 0 else Orientation(3)
    return Orientation()


def plausible_ratio(ratio: Fraction | None) -> Fraction:
    """Return a sample aspect ratio; 1 for one that is unknown, implausible or almost 1."""
    if ratio is None or not _TALLEST <= ratio <= _FLATTEST or abs(ratio - 1) <= _ROUNDING:
        return _SQUARE
    return ratio


def square_size(width: int, height: int, ratio: Fraction) -> tuple[int, int]:
    """Return the width and height of an image once its pixels are square.

    One side grows and the other one stays, so no pixel is lost.

    Args:
        width: stored width, in pixels.
        height: stored height, in pixels.
        ratio: the sample aspect ratio.
    """
    if ratio >= 1:
        return math.floor(width * ratio + Fraction(1, 2)), height
    return width, math.floor(height / ratio + Fraction(1, 2))


def ratio_text(ratio: Fraction) -> str:
    """Return a ratio as text, such as `24:11`."""
    return f"{ratio.numerator}:{ratio.denominator}"
