"""What a model's reference code does to a picture before the model sees it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import cv2
import numpy as np

from pipeline.detection.placement import (
    keep_ratio,
    letterbox,
    patches,
    stretch,
    top_left,
    unchanged,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.detection.graph import ImageInput
    from pipeline.detection.placement import BoxRescale, Filter, Placement
    from pipeline.frame import Image

Resize = Literal["letterbox", "top-left", "stretch", "keep-ratio", "patches", "none"]
Colour = Literal["rgb", "bgr"]
Triple = tuple[float, float, float]

IMAGENET_MEAN: Triple = (0.485, 0.456, 0.406)
IMAGENET_STD: Triple = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Preprocess:
    """A preprocessing: pixels become `(pixel * scale - mean) / std`.

    Attributes:
        resize: `letterbox` centres the picture, `top-left` puts it into the corner, `stretch`
            fills the input, `keep-ratio` makes the input as large as the picture then is,
            `patches` cuts that down to whole ones and squeezes the picture in, `none` leaves it as
            it is.
        width, height: of the input in pixels; of the two that keep proportions, its long and its
            short side.
        step: an input of a free size is a multiple of this, in pixels; None: as large as it is.
        filter: how the picture is scaled.
        box_rescale: how boxes of a letterbox go back to the picture.
        padding: the value around the picture, 0 to 255, in each channel; None: what becomes 0.
        colour: the order of the channels.
        scale: what pixels of 0 to 255 are multiplied with; bytes are left alone.
        mean, std: of the channels, in their order.
    """

    resize: Resize = "letterbox"
    width: int = 640
    height: int = 640
    step: int | None = None
    filter: Filter = "linear"
    box_rescale: BoxRescale = "axes"
    padding: int | None = 114
    colour: Colour = "rgb"
    scale: float = 1 / 255
    mean: Triple = (0.0, 0.0, 0.0)
    std: Triple = (1.0, 1.0, 1.0)

    @property
    def size(self) -> str:
        """How large a picture becomes, for a person."""
        if self.resize == "none":
            return "as large as it is"
        within = "within" if self.resize in ("keep-ratio", "patches") else "to"
        return f"{self.resize} {within} {self.width} x {self.height}"

    def placement(self, width: int, height: int) -> Placement:
        """Return the place of a picture of this size in the input."""
        size = (self.width, self.height)
        match self.resize:
            case "letterbox":
                return letterbox(width, height, size, self.step, self.box_rescale)
            case "top-left":
                return top_left(width, height, size)
            case "stretch":
                return stretch(width, height, size)
            case "keep-ratio":
                short, long = sorted(size)
                return keep_ratio(width, height, short, long, self.step)
            case "patches":
                short, long = sorted(size)
                return patches(width, height, short, long, self.step or 1)
            case "none":
                return unchanged(width, height)

    def tensor(self, image: Image, placement: Placement, wanted: ImageInput) -> NDArray[np.generic]:
        """Return the picture as the model takes it.

        Args:
            image: H x W x 3 uint8 BGR.
            placement: the result of `placement` for its size.
            wanted: the model's input.
        """
        canvas = placement.apply(image, self.filter, self.padding or 0)
        planes = cv2.split(canvas)
        if self.colour == "rgb":
            planes = planes[::-1]
        if wanted.type != "uint8":
            planes = list(map(self._valued, planes, range(len(planes))))
            if self.padding is None:
                planes = list(map(placement.zero_padding, planes))
        axis = 0 if "CHW" in wanted.layout else 2
        tensor = np.stack(planes, axis=axis).astype(wanted.type, copy=False)
        if "N" not in wanted.layout:
            return tensor
        return np.repeat(tensor[np.newaxis], wanted.batch, axis=0)

    def _valued(self, plane: NDArray[Any], channel: int) -> NDArray[np.float32]:
        """Return a channel's values for its pixels, which are bytes or, between them, floats."""
        if plane.dtype == np.uint8:
            return np.asarray(cv2.LUT(plane, self._tables[channel]), dtype=np.float32)
        return _normalised(plane, self.scale, self.mean[channel], self.std[channel])

    @cached_property
    def _tables(self) -> list[NDArray[np.float32]]:
        """For each channel, what each of the 256 pixel values becomes: quicker than arithmetic."""
        values = np.arange(256, dtype=np.float32)
        return [
            _normalised(values, self.scale, mean, std)
            for mean, std in zip(self.mean, self.std, strict=True)
        ]


def _normalised(
    values: NDArray[np.float32], scale: float, mean: float, std: float
) -> NDArray[np.float32]:
    # 255 is divided by, as reference codes do: its inverse is off by a bit in some values.
    scaled = values / np.float32(1 / scale)
    return np.asarray((scaled - np.float32(mean)) / np.float32(std), dtype=np.float32)
