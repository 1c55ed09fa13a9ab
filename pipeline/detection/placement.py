"""Where a picture lies in a model's input, and the way back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.frame import Image

Filter = Literal["linear", "linear-float", "cubic", "warp", "antialias"]
"""How pixels are made when a picture is scaled: OpenCV's bilinear; the same without rounding to
bytes, as tensors are scaled; its bicubic; its bilinear warp, which lays the first pixels' centres
over one another, where the others so lay pictures' corners; or Pillow's bilinear, which looks at
all pixels when it scales down. Models see sharper edges in the one than in the other; boxes move by
more than a pixel."""

BoxRescale = Literal["axes", "ratio"]
"""How a letterbox's boxes go back to the picture, which whole pixels make a hair wider or higher
than it should be: by the scale of each axis, or by the ratio that was asked for. The two differ by
up to half an input pixel; in a picture of 4096 pixels that are 3."""

_OPENCV_FILTERS = {
    "linear": cv2.INTER_LINEAR,
    "linear-float": cv2.INTER_LINEAR,
    "cubic": cv2.INTER_CUBIC,
}


@dataclass(frozen=True)
class Placement:
    """A picture's place in a model's input; all in pixels.

    Attributes:
        picture: the picture's width and height.
        scaled: its width and height once scaled.
        canvas: the input's width and height.
        scale: input pixels for a picture pixel, across and down, on the way back. Whole pixels
            make the picture itself a hair wider or narrower; reference codes differ in which of
            the two they mean, so each kind of placement says it.
        left, top: where the scaled picture's corner lies in the input.
    """

    picture: tuple[int, int]
    scaled: tuple[int, int]
    canvas: tuple[int, int]
    scale: tuple[float, float]
    left: int = 0
    top: int = 0

    def apply(self, image: Image, filter_: Filter, padding: int) -> NDArray[Any]:
        """Return the input's pixels: the picture in its place, around it `padding` in each channel.

        Args:
            image: H x W x 3 uint8, of the size this placement is for.
            filter_: how it is scaled.
            padding: 0 to 255.

        Returns:
            Canvas height x width x 3 uint8; float32, still 0 to 255, if the filter does not round.
        """
        pixels = image.astype(np.float32) if filter_ == "linear-float" else image
        fitted = pixels if self.picture == self.scaled else _scaled(pixels, self.scaled, filter_)
        if self.scaled == self.canvas:
            return fitted
        canvas = np.full((self.canvas[1], self.canvas[0], 3), padding, dtype=fitted.dtype)
        canvas[self._window] = fitted
        return canvas

    def zero_padding(self, plane: NDArray[Any]) -> NDArray[Any]:
        """Return a channel of the input with nothing but the picture: around it there are zeros."""
        cleared = np.zeros_like(plane)
        cleared[self._window] = plane[self._window]
        return cleared

    @property
    def _window(self) -> tuple[slice, slice]:
        width, height = self.scaled
        return slice(self.top, self.top + height), slice(self.left, self.left + width)

    def boxes_to_image(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map boxes from the input back to the picture, clipped to it.

        Args:
            boxes: N x 4, x1 y1 x2 y2 in input pixels.

        Returns:
            N x 4 float32, x1 y1 x2 y2 in the picture's pixels.
        """
        offset = np.array([self.left, self.top] * 2, dtype=np.float32)
        scale = np.array(self.scale * 2, dtype=np.float32)
        limit = np.array(self.picture * 2, dtype=np.float32)
        inside: NDArray[np.float32] = np.clip((boxes - offset) / scale, 0, limit)
        return inside


def unchanged(width: int, height: int) -> Placement:
    """Leave the picture as it is: the graph scales it."""
    size = (width, height)
    return Placement(picture=size, scaled=size, canvas=size, scale=(1.0, 1.0))


def stretch(width: int, height: int, canvas: tuple[int, int]) -> Placement:
    """Fill the input with the picture, whatever its proportions."""
    scale = (canvas[0] / width, canvas[1] / height)
    return Placement(picture=(width, height), scaled=canvas, canvas=canvas, scale=scale)


def letterbox(
    width: int,
    height: int,
    canvas: tuple[int, int],
    step: int | None = None,
    box_rescale: BoxRescale = "axes",
) -> Placement:
    """Centre the picture in the input, as large as it fits.

    With a step, the input is only as large as it must be, in steps: Ultralytics feeds models of a
    free size so. https://docs.ultralytics.com/reference/data/augment/#ultralytics.data.augment.LetterBox
    """
    scale = min(canvas[0] / width, canvas[1] / height)
    scaled = (max(1, round(width * scale)), max(1, round(height * scale)))
    if step is not None:
        canvas = (_up_to(scaled[0], step), _up_to(scaled[1], step))
    axes, ratio = (scaled[0] / width, scaled[1] / height), (scale, scale)
    return Placement(
        picture=(width, height),
        scaled=scaled,
        canvas=canvas,
        scale=axes if box_rescale == "axes" else ratio,
        left=(canvas[0] - scaled[0]) // 2,
        top=(canvas[1] - scaled[1]) // 2,
    )


def top_left(width: int, height: int, canvas: tuple[int, int]) -> Placement:
    """Put the picture into the input's corner, as large as it fits; YOLOX cuts off fractions.

    https://github.com/Megvii-BaseDetection/YOLOX/blob/main/yolox/data/data_augment.py
    """
    scale = min(canvas[0] / width, canvas[1] / height)
    scaled = (max(1, int(width * scale)), max(1, int(height * scale)))
    return Placement(picture=(width, height), scaled=scaled, canvas=canvas, scale=(scale, scale))


def keep_ratio(width: int, height: int, short: int, long: int, step: int | None) -> Placement:
    """Scale the picture until its short side is `short`, or its long side `long`, if that is less.

    The input is as large as the picture then, or with a step the next multiple of it. In that, a
    model does not see where the picture ends: the way back is by the ratio that was asked for.
    DETR's rounding: https://github.com/facebookresearch/detr/blob/main/datasets/transforms.py
    """
    low, high = min(width, height), max(width, height)
    if high / low * short > long:
        short = max(1, round(long * low / high))
    ratio = short / low
    scaled = (
        (short, int(short * height / width)) if width < height
        else (int(short * width / height), short)
    )  # fmt: skip
    canvas, scale = scaled, (scaled[0] / width, scaled[1] / height)
    if step is not None:
        canvas, scale = (_up_to(scaled[0], step), _up_to(scaled[1], step)), (ratio, ratio)
    return Placement(picture=(width, height), scaled=scaled, canvas=canvas, scale=scale)


def patches(width: int, height: int, short: int, long: int, step: int) -> Placement:
    """Scale as `keep_ratio` does, then squeeze each side down to a multiple of `step`.

    YOLOS in transformers: https://github.com/huggingface/transformers/blob/main/src/transformers/models/yolos/image_processing_yolos.py
    """
    kept = keep_ratio(width, height, short, long, None)
    across, down = (max(step, side - side % step) for side in kept.scaled)
    return stretch(width, height, (across, down))


def _up_to(length: int, step: int) -> int:
    return -(-length // step) * step


def _scaled(image: NDArray[Any], size: tuple[int, int], filter_: Filter) -> NDArray[Any]:
    if filter_ in _OPENCV_FILTERS:
        return np.asarray(cv2.resize(image, size, interpolation=_OPENCV_FILTERS[filter_]))
    if filter_ == "warp":
        matrix = np.diag([size[0] / image.shape[1], size[1] / image.shape[0], 1])
        return np.asarray(cv2.warpPerspective(image, matrix, size), dtype=np.uint8)
    from PIL import Image as Pillow  # noqa: PLC0415 - few models want it

    return np.asarray(Pillow.fromarray(image).resize(size, Pillow.Resampling.BILINEAR))
