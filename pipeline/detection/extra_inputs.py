"""Inputs besides the picture: those whose names say what they want are made up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.detection.graph import LARGEST_SIDE
from pipeline.detection.unsupported import UnsupportedModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.detection.graph import TensorInfo

# What a model scales its boxes to: with the input's own size, they come in the input's pixels, and
# the way back to the picture is the same for all families.
_WIDTH_HEIGHT = ("orig_target_sizes",)  # RT-DETR and its kin
_HEIGHT_WIDTH = ("im_shape", "image_shape")  # PaddleDetection, Keras YOLOv3
_SCALE = ("scale_factor",)  # PaddleDetection: how far the picture was scaled
_MASK = ("pixel_mask",)  # DETR in transformers: 1 where the picture is, 0 where padding is
_PAIRS = (*_WIDTH_HEIGHT, *_HEIGHT_WIDTH, *_SCALE)
_TYPES = ("float32", "float16", "float64", "int64", "int32", "bool")


def check_extra_inputs(ports: tuple[TensorInfo, ...]) -> None:
    """Check that each input besides the picture can be filled.

    Raises:
        UnsupportedModelError: one cannot.
    """
    for port in ports:
        if not _can_be_filled(port):
            raise UnsupportedModelError(
                f"besides the picture it takes '{port}', which pretag cannot fill. Export it "
                "without that input, or with it as a constant."
            )


def make_extra_input(port: TensorInfo, width: int, height: int) -> NDArray[np.generic]:
    """Make up an input that is not the picture.

    Args:
        port: one that `check_extra_inputs` lets pass.
        width: of the model's picture, in pixels.
        height: of the same.
    """
    batch, *sizes = port.shape or (1, 2)
    if port.name in _MASK:
        return np.ones((batch or 1, sizes[0] or height, sizes[1] or width), port.type)
    pair = (1, 1)
    if port.name in _WIDTH_HEIGHT:
        pair = (width, height)
    elif port.name in _HEIGHT_WIDTH:
        pair = (height, width)
    return np.array([pair] * (batch or 1), port.type)


def _can_be_filled(port: TensorInfo) -> bool:
    match port.name, port.shape:
        case name, [_, 2 | None] | None if name in _PAIRS:
            return port.type in _TYPES
        case name, [_, height, width] if name in _MASK:
            return port.type in _TYPES and max(height or 0, width or 0) <= LARGEST_SIDE
    return False
