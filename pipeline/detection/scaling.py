"""Scale an image into a model's input: the pixels of a placement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.detection.placement import Placement
    from pipeline.frame import Image

Filter = Literal["linear", "linear-float", "cubic", "area", "warp", "antialias"]
"""How pixels are interpolated when an image is scaled.

- `linear`: OpenCV's bilinear interpolation.
- `linear-float`: the same without rounding to bytes, as when a tensor is scaled.
- `cubic`: OpenCV's bicubic interpolation.
- `area`: OpenCV's mean of all pixels, when it scales down.
- `warp`: OpenCV's bilinear warp. It aligns the centres of the first pixels; the other filters align
  the corners of the images. It can place an image between two pixels.
- `antialias`: Pillow's bilinear interpolation, which uses all pixels when it scales down.

Edges are sharper with some filters than with others. With the wrong filter, boxes move by more than
a pixel.
"""

_OPENCV_FILTERS = {
    "linear": cv2.INTER_LINEAR,
    "linear-float": cv2.INTER_LINEAR,
    "cubic": cv2.INTER_CUBIC,
    "area": cv2.INTER_AREA,
}


def place_image(image: Image, placement: Placement, filter_: Filter, padding: int) -> NDArray[Any]:
    """Return the input's pixels: the scaled image, and padding around it.

    Args:
        image: H x W x 3 uint8, of the placement's image size.
        placement: where the image lies in the input.
        filter_: how the image is scaled.
        padding: value of each channel around the image, 0 to 255.

    Returns:
        Input height x width x 3, uint8; for `linear-float`, float32 from 0 to 255.
    """
    if filter_ == "warp":
        return _warp(image, placement, padding)
    pixels = image.astype(np.float32) if filter_ == "linear-float" else image
    if placement.image_size != placement.scaled_size:
        pixels = _resize(pixels, placement.scaled_size, filter_)
    if placement.scaled_size == placement.input_size:
        return pixels
    width, height = placement.input_size
    padded = np.full((height, width, 3), padding, dtype=pixels.dtype)
    padded[placement.window] = pixels
    return padded


def zero_padding(channel: NDArray[Any], placement: Placement) -> NDArray[Any]:
    """Return a channel of the input (height x width) with zeros around the image."""
    zeroed = np.zeros_like(channel)
    zeroed[placement.window] = channel[placement.window]
    return zeroed


def _warp(image: Image, placement: Placement, padding: int) -> NDArray[Any]:
    (across, down), left, top = placement.scale, placement.left, placement.top
    matrix = np.array([[across, 0, left], [0, down, top], [0, 0, 1]], np.float64)
    warped = cv2.warpPerspective(image, matrix, placement.input_size, borderValue=(padding,) * 3)
    return np.asarray(warped, dtype=np.uint8)


def _resize(image: NDArray[Any], size: tuple[int, int], filter_: Filter) -> NDArray[Any]:
    if filter_ in _OPENCV_FILTERS:
        return np.asarray(cv2.resize(image, size, interpolation=_OPENCV_FILTERS[filter_]))
    from PIL import Image as PillowImage  # noqa: PLC0415 - few models need it

    return np.asarray(PillowImage.fromarray(image).resize(size, PillowImage.Resampling.BILINEAR))
