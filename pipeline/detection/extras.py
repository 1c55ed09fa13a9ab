"""Inputs besides the picture: those whose names say what they want are made up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.detection.unfit import UnfitError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.detection.graph import Port

# What a model scales its boxes to: with the input's own size, they come in the input's pixels, and
# the way back to the picture is the same for all families.
_WIDTH_HEIGHT = ("orig_target_sizes",)  # RT-DETR and its kin
_HEIGHT_WIDTH = ("im_shape", "image_shape")  # PaddleDetection, Keras YOLOv3
_ONES = (
    "scale_factor",  # PaddleDetection: how far the picture was scaled
    "pixel_mask",  # DETR in transformers: 1 where the picture is, 0 where padding is
)


def refuse_unknown(ports: tuple[Port, ...]) -> None:
    """Check that each input besides the picture can be filled.

    Raises:
        UnfitError: one cannot.
    """
    for port in ports:
        if port.name not in (*_WIDTH_HEIGHT, *_HEIGHT_WIDTH, *_ONES):
            raise UnfitError(
                f"besides the picture it takes '{port}', which pretag cannot fill. Export it "
                "without that input, or with it as a constant."
            )


def fill(port: Port, width: int, height: int) -> NDArray[np.generic]:
    """Make up an input that is not the picture.

    Args:
        port: one that `refuse_unknown` lets pass.
        width: of the model's picture, in pixels.
        height: of the same.
    """
    dtype = np.dtype(port.type)
    if port.name in _WIDTH_HEIGHT:
        return np.array([[width, height]], dtype)
    if port.name in _HEIGHT_WIDTH:
        return np.array([[height, width]], dtype)
    if port.name == "pixel_mask":
        shape = port.shape or (1, None, None)
        return np.ones((1, shape[1] or height, shape[2] or width), dtype)
    return np.ones((1, 2), dtype)
