"""The steps from an image to a model's input tensor: placement, colour order, normalisation."""

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
    warped_letterbox,
)
from pipeline.detection.scaling import place_image, zero_padding

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.detection.graph import ImageInput
    from pipeline.detection.placement import BoxRescale, Placement
    from pipeline.detection.scaling import Filter
    from pipeline.frame import Image

Resize = Literal["letterbox", "top-left", "stretch", "keep-ratio", "patches", "none"]
Colour = Literal["rgb", "bgr"]
ChannelValues = tuple[float, float, float]

IMAGENET_MEAN: ChannelValues = (0.485, 0.456, 0.406)
IMAGENET_STD: ChannelValues = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Preprocess:
    """A preprocessing. Pixel values become `(pixel * scale - mean) / std`.

    Attributes:
        resize: how the image is placed in the input. `letterbox`: scaled and centred. `top-left`:
            scaled, in the top left corner. `stretch`: scaled to the size of the input.
            `keep-ratio`: scaled, and the input gets the size of the scaled image. `patches`: like
            `keep-ratio`, but stretched to multiples of `step`. `none`: not scaled.
        width, height: size of the input in pixels. For `keep-ratio` and `patches`, the larger of
            the two is the long side, and the smaller one the short side.
        step: each side of an input of a free size is a multiple of this number of pixels; None for
            any number of pixels.
        filter: how pixels are interpolated.
        box_rescale: which scale maps boxes from a letterbox back to the image.
        padding: value of each channel around the image, 0 to 255, before normalisation; None for 0
            after normalisation.
        colour: the order of the channels.
        scale: factor for pixel values of 0 to 255. An input of uint8 takes the pixel values
            themselves, without scale, mean and std.
        mean, std: for each channel, in the order of `colour`.
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
    mean: ChannelValues = (0.0, 0.0, 0.0)
    std: ChannelValues = (1.0, 1.0, 1.0)

    @property
    def resize_description(self) -> str:
        """How an image is resized, such as `letterbox to 640 x 640`."""
        if self.resize == "none":
            return "unchanged size"
        preposition = "within" if self.resize in ("keep-ratio", "patches") else "to"
        return f"{self.resize} {preposition} {self.width} x {self.height}"

    def description(self, element_type: str) -> str:
        """Return one line about how an image becomes the input tensor.

        Args:
            element_type: the element type of the input tensor.
        """
        layout = f"{self.resize_description} ({self.filter}), {self.colour.upper()}"
        if element_type == "uint8":
            return f"{layout}, bytes"
        # People write 1 / 255, not 0.00392157.
        scaled = f"pixel / {1 / self.scale:.6g}" if self.scale != 1 else "pixel"
        mean, std = (" ".join(f"{each:g}" for each in v) for v in (self.mean, self.std))
        values = scaled if (mean, std) == ("0 0 0", "1 1 1") else f"({scaled} - [{mean}]) / [{std}]"
        return f"{layout}, {values}"

    def placement(self, width: int, height: int) -> Placement:
        """Return where an image of this size lies in the input."""
        size = (self.width, self.height)
        match self.resize:
            case "letterbox":
                return (
                    warped_letterbox(width, height, size)
                    if self.filter == "warp"
                    else letterbox(width, height, size, self.step, self.box_rescale)
                )
            case "top-left":
                return top_left(width, height, size)
            case "stretch":
                return stretch(width, height, size)
            case "keep-ratio":
                short_side, long_side = sorted(size)
                return keep_ratio(width, height, short_side, long_side, self.step)
            case "patches":
                short_side, long_side = sorted(size)
                return patches(width, height, short_side, long_side, self.step or 1)
            case "none":
                return unchanged(width, height)

    def make_tensor(
        self, image: Image, placement: Placement, image_input: ImageInput
    ) -> NDArray[np.generic]:
        """Return the input tensor for an image, in the input's layout and type.

        Args:
            image: H x W x 3 uint8 BGR.
            placement: what `placement` returns for the size of the image.
            image_input: the model's input for the image.
        """
        pixels = place_image(image, placement, self.filter, self.padding or 0)
        channels = cv2.split(pixels)
        if self.colour == "rgb":
            channels = channels[::-1]
        if image_input.type != "uint8":
            channels = list(map(self._normalise_channel, channels, range(len(channels))))
            if self.padding is None:
                channels = [zero_padding(channel, placement) for channel in channels]
        axis = 0 if "CHW" in image_input.layout else 2
        tensor = np.stack(channels, axis=axis).astype(image_input.type, copy=False)
        if "N" not in image_input.layout:
            return tensor
        return np.repeat(tensor[np.newaxis], image_input.batch, axis=0)

    def _normalise_channel(self, channel: NDArray[Any], index: int) -> NDArray[np.float32]:
        """Return the normalised values of a channel, which is uint8, or float32 from 0 to 255."""
        if channel.dtype == np.uint8:
            return np.asarray(cv2.LUT(channel, self._lookup_tables[index]), dtype=np.float32)
        return _normalise(channel, self.scale, self.mean[index], self.std[index])

    @cached_property
    def _lookup_tables(self) -> list[NDArray[np.float32]]:
        """For each channel, the normalised values of 0 to 255. Faster than arithmetic."""
        values = np.arange(256, dtype=np.float32)
        return [
            _normalise(values, self.scale, mean, std)
            for mean, std in zip(self.mean, self.std, strict=True)
        ]


def _normalise(
    values: NDArray[np.float32], scale: float, mean: float, std: float
) -> NDArray[np.float32]:
    # Reference codes divide by 255. Multiplying by 1 / 255 changes the last bit of some values.
    scaled = values / np.float32(1 / scale)
    return np.asarray((scaled - np.float32(mean)) / np.float32(std), dtype=np.float32)
