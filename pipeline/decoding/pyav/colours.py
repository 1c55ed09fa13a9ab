"""Make the colour tags of a frame such that FFmpeg's scaler converts it, and convert YCgCo.

The scaler refuses frames whose tags it does not know. Some of them, with HDR, even end the process:
FFmpeg 8.1 reads beyond its table for the primaries 13 to 21. The numbers are those of ITU-T H.273.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from av.video.reformatter import ColorPrimaries, ColorRange, ColorTrc

if TYPE_CHECKING:
    import av

    from pipeline.frame import Image

UNSPECIFIED = 2
_BT709, _BT2020 = 1, 9  # matrices
YCGCO = 8
_PRIMARIES = frozenset(ColorPrimaries)
# It has no curves for logarithms. They matter only where it maps primaries.
_TRANSFERS = frozenset(ColorTrc) - {ColorTrc.LOG, ColorTrc.LOG_SQRT}
_RANGES = frozenset(ColorRange) - {ColorRange.NB}
# RGB, BT.709, unspecified, FCC, BT.470BG, SMPTE 170M, SMPTE 240M, BT.2020.
_MATRICES = frozenset({0, 1, 2, 4, 5, 6, 7, 9})
# Those that have a meaning, but no conversion here: constant luminance of BT.2020 and ICtCp, and
# SMPTE ST 2085, the two that are derived from the primaries, and IPT-C2. The nearest matrix gives
# colours that are about right.
_LIKE_BT2020 = frozenset({10, 14, 15})
_LIKE_PRIMARIES = frozenset({11, 12, 13})
# The lossless variants of YCgCo need more bits for the colours than for the brightness.
_LOSSLESS_YCGCO = frozenset({16, 17})
_YUV_PLANES = 3


def settle_tags(frame: av.VideoFrame) -> None:
    """Replace the tags of a frame that the scaler refuses.

    Reserved and unknown ones become unspecified, as if the video had no such tag. For matrices that
    it knows no formula of, the nearest one is set.
    """
    if frame.color_primaries not in _PRIMARIES:
        frame.color_primaries = UNSPECIFIED
    if frame.color_trc not in _TRANSFERS:
        frame.color_trc = UNSPECIFIED
    if frame.color_range not in _RANGES:
        frame.color_range = ColorRange.UNSPECIFIED
    if frame.colorspace not in _MATRICES | {YCGCO} | _LOSSLESS_YCGCO:
        frame.colorspace = _nearest_matrix(frame.colorspace, frame.color_primaries)


def is_ycgco(frame: av.VideoFrame) -> bool:
    """Return whether the planes of a frame are brightness, green and orange."""
    layout = frame.format
    is_yuv = not layout.is_rgb and len(layout.components) >= _YUV_PLANES
    return frame.colorspace == YCGCO and is_yuv


def bgr_of_ycgco(frame: av.VideoFrame) -> Image:
    """Return the image of a frame in YCgCo: H x W x 3 uint8 BGR.

    The formula is that of ITU-T H.273, MatrixCoefficients 8.

    Args:
        frame: in the format yuv444p.
    """
    luma, green, orange = frame.to_ndarray().astype(np.float32)
    is_full = frame.color_range == ColorRange.JPEG
    luma_scale, colour_scale = (1.0, 1.0) if is_full else (255 / 219, 255 / 224)
    y = (luma - (0 if is_full else 16)) * luma_scale
    cg, co = (green - 128) * colour_scale, (orange - 128) * colour_scale
    image = np.stack([y - cg - co, y + cg, y - cg + co], axis=2)
    return np.asarray(np.clip(np.rint(image), 0, 255), dtype=np.uint8)


def _nearest_matrix(matrix: int, primaries: int) -> int:
    if matrix in _LIKE_BT2020 or (matrix in _LIKE_PRIMARIES and primaries == ColorPrimaries.BT2020):
        return _BT2020
    return _BT709 if matrix in _LIKE_PRIMARIES else UNSPECIFIED
