"""Values for inputs besides the image, if the name of the input shows what it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.detection.graph import LARGEST_SIDE
from pipeline.detection.unsupported import UnsupportedModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.detection.graph import TensorInfo

# Models scale their boxes to the size that they get in these inputs. They get the size of the
# input, so that boxes are in input pixels and are mapped to the image as in all other families.
_WIDTH_HEIGHT = ("orig_target_sizes",)  # RT-DETR, D-FINE, DEIM
_HEIGHT_WIDTH = ("im_shape", "image_shape")  # PaddleDetection, Keras YOLOv3
_SCALE = ("scale_factor",)  # PaddleDetection: input pixels for an image pixel
_MASK = ("pixel_mask",)  # DETR in transformers: 1 for pixels of the image, 0 for padding
_PAIRS = (*_WIDTH_HEIGHT, *_HEIGHT_WIDTH, *_SCALE)
_TYPES = ("float32", "float16", "float64", "int64", "int32", "bool")


def check_extra_inputs(tensors: tuple[TensorInfo, ...]) -> None:
    """Check that `make_extra_input` can make each of these inputs.

    Raises:
        UnsupportedModelError: it cannot make one of them.
    """
    for tensor in tensors:
        if not _is_known(tensor):
            raise UnsupportedModelError(
                f"besides the image it has the input '{tensor}', for which pretag has no values. "
                "Export it without this input, or with a constant in its place."
            )


def make_extra_input(tensor: TensorInfo, width: int, height: int) -> NDArray[np.generic]:
    """Return the values of an input that is not the image.

    Args:
        tensor: an input that `check_extra_inputs` accepts.
        width: width of the image input in pixels.
        height: height of the image input in pixels.
    """
    batch, *sizes = tensor.shape or (1, 2)
    if tensor.name in _MASK:
        return np.ones((batch or 1, sizes[0] or height, sizes[1] or width), tensor.type)
    pair = (1, 1)
    if tensor.name in _WIDTH_HEIGHT:
        pair = (width, height)
    elif tensor.name in _HEIGHT_WIDTH:
        pair = (height, width)
    return np.array([pair] * (batch or 1), tensor.type)


def _is_known(tensor: TensorInfo) -> bool:
    match tensor.name, tensor.shape:
        case name, [_, 2 | None] | None if name in _PAIRS:
            return tensor.type in _TYPES
        case name, [_, height, width] if name in _MASK:
            return tensor.type in _TYPES and max(height or 0, width or 0) <= LARGEST_SIDE
    return False
