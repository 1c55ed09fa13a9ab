"""Where an image lies in a model's input, and how boxes are mapped back to the image."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

BoxRescale = Literal["axes", "ratio"]
"""Which scale maps boxes from a letterbox back to the image.

The size of the scaled image is rounded to whole pixels. Its width and height can therefore differ
slightly from the size of the image times the ratio.

- `axes`: the scale of each axis after rounding.
- `ratio`: the ratio before rounding, for both axes.

The two differ by up to half an input pixel, which is 3 pixels in an image that is 4096 pixels wide.
"""


@dataclass(frozen=True)
class Placement:
    """Where an image lies in a model's input, and at what scale. All sizes are in pixels.

    Attributes:
        image_size: width and height of the image.
        scaled_size: width and height of the scaled image.
        input_size: width and height of the input.
        scale: input pixels for an image pixel, across and down, when boxes are mapped back. The
            scaled image, in whole pixels, can have a slightly different scale. Reference codes
            differ in which of the two they use, so each function that returns a placement decides.
        left, top: the top left corner of the scaled image in the input; between two pixels only if
            the image is warped.
    """

    image_size: tuple[int, int]
    scaled_size: tuple[int, int]
    input_size: tuple[int, int]
    scale: tuple[float, float]
    left: float = 0
    top: float = 0

    @property
    def window(self) -> tuple[slice, slice]:
        """The rows and columns of the input in which the scaled image lies."""
        width, height = self.scaled_size
        left, top = round(self.left), round(self.top)
        return slice(top, top + height), slice(left, left + width)

    def boxes_to_image(self, boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        """Map boxes from the input back to the image, and clip them to the image.

        Args:
            boxes: N x 4, x1 y1 x2 y2 in input pixels.

        Returns:
            N x 4 float32, x1 y1 x2 y2 in image pixels.
        """
        offset = np.array([self.left, self.top] * 2, dtype=np.float32)
        scale = np.array(self.scale * 2, dtype=np.float32)
        limit = np.array(self.image_size * 2, dtype=np.float32)
        clipped: NDArray[np.float32] = np.clip((boxes - offset) / scale, 0, limit)
        return clipped


def unchanged(width: int, height: int) -> Placement:
    """Return the placement of an image that is not scaled, because the graph scales it."""
    size = (width, height)
    return Placement(image_size=size, scaled_size=size, input_size=size, scale=(1.0, 1.0))


def stretch(width: int, height: int, input_size: tuple[int, int]) -> Placement:
    """Return the placement of an image that fills the input, without keeping the proportions."""
    return Placement(
        image_size=(width, height),
        scaled_size=input_size,
        input_size=input_size,
        scale=(input_size[0] / width, input_size[1] / height),
    )


def letterbox(
    width: int,
    height: int,
    max_size: tuple[int, int],
    step: int | None = None,
    box_rescale: BoxRescale = "axes",
) -> Placement:
    """Return the placement of an image that is centred in the input, as large as fits.

    Args:
        width: width of the image.
        height: height of the image.
        max_size: width and height of the input; with a step, the largest size of the input.
        step: if given, each side of the input is the least multiple of the step that holds the
            scaled image, as Ultralytics does for inputs of a free size:
            https://docs.ultralytics.com/reference/data/augment/#ultralytics.data.augment.LetterBox
        box_rescale: which scale maps boxes back to the image.
    """
    ratio = min(max_size[0] / width, max_size[1] / height)
    scaled_size = (max(1, round(width * ratio)), max(1, round(height * ratio)))
    input_size = max_size if step is None else _round_up(scaled_size, step)
    axes = (scaled_size[0] / width, scaled_size[1] / height)
    return Placement(
        image_size=(width, height),
        scaled_size=scaled_size,
        input_size=input_size,
        scale=axes if box_rescale == "axes" else (ratio, ratio),
        left=(input_size[0] - scaled_size[0]) // 2,
        top=(input_size[1] - scaled_size[1]) // 2,
    )


def warped_letterbox(width: int, height: int, input_size: tuple[int, int]) -> Placement:
    """Return the placement of an image that is warped to the exact centre of the input.

    It is as large as fits, and its scale and corner are not rounded, as in NanoDet:
    https://github.com/RangiLyu/nanodet/blob/main/nanodet/data/transform/warp.py
    """
    corner = top_left(width, height, input_size)
    ratio, _ = corner.scale
    return replace(
        corner,
        left=(input_size[0] - width * ratio) / 2,
        top=(input_size[1] - height * ratio) / 2,
    )


def top_left(width: int, height: int, input_size: tuple[int, int]) -> Placement:
    """Return the placement of an image in the top left corner of the input, as large as fits.

    The scaled size is rounded down, as in YOLOX:
    https://github.com/Megvii-BaseDetection/YOLOX/blob/main/yolox/data/data_augment.py
    """
    ratio = min(input_size[0] / width, input_size[1] / height)
    return Placement(
        image_size=(width, height),
        scaled_size=(max(1, int(width * ratio)), max(1, int(height * ratio))),
        input_size=input_size,
        scale=(ratio, ratio),
    )


def keep_ratio(
    width: int, height: int, short_side: int, long_side: int, step: int | None
) -> Placement:
    """Return the placement of an image whose scaled size decides the size of the input.

    The image is scaled so that its short side is `short_side`, or so that its long side is
    `long_side` if that is smaller. The input has the size of the scaled image. With a step, each
    side of the input is the next multiple of the step; then a model cannot see where the image
    ends, and boxes are mapped back by the ratio before rounding.

    Sizes are rounded as in DETR:
    https://github.com/facebookresearch/detr/blob/main/datasets/transforms.py
    """
    shorter, longer = min(width, height), max(width, height)
    if longer / shorter * short_side > long_side:
        short_side = max(1, round(long_side * shorter / longer))
    scaled_size = (
        (short_side, int(short_side * height / width)) if width < height
        else (int(short_side * width / height), short_side)
    )  # fmt: skip
    input_size, scale = scaled_size, (scaled_size[0] / width, scaled_size[1] / height)
    if step is not None:
        ratio = short_side / shorter
        input_size, scale = _round_up(scaled_size, step), (ratio, ratio)
    return Placement(
        image_size=(width, height), scaled_size=scaled_size, input_size=input_size, scale=scale
    )


def patches(width: int, height: int, short_side: int, long_side: int, step: int) -> Placement:
    """Return the placement of an image that is stretched to a whole number of patches.

    The size is that of `keep_ratio`, with each side rounded down to a multiple of `step`, as for
    YOLOS in transformers:
    https://github.com/huggingface/transformers/blob/main/src/transformers/models/yolos/image_processing_yolos.py
    """
    scaled_size = keep_ratio(width, height, short_side, long_side, None).scaled_size
    columns, rows = (max(step, side - side % step) for side in scaled_size)
    return stretch(width, height, (columns, rows))


def _round_up(size: tuple[int, int], step: int) -> tuple[int, int]:
    return -(-size[0] // step) * step, -(-size[1] // step) * step
