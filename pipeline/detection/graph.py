"""The inputs, outputs, metadata and weights of a model, as far as its file gives them."""

from __future__ import annotations

import ast
import json
import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from pipeline.detection.unsupported import UnsupportedModelError
from pipeline.text import shortened

if TYPE_CHECKING:
    from collections.abc import Mapping

Shape = tuple[int | None, ...]
"""The sizes of a tensor; None for a size that is known only when the model runs."""

Layout = Literal["NCHW", "NHWC", "CHW", "HWC"]

PROBE_SIDE = 640
"""Side, in pixels, of the blank image for a graph of a free size.

A model is run on a blank image if its file does not give the shapes of its outputs.
"""
LARGEST_SIDE, LARGEST_STEP = 16384, 1024
"""Largest side of an input and largest step of its size, in pixels.

A model file or card with larger values could use up the memory.
"""
IMAGE_TYPES = ("float32", "float16", "uint8")

_CHANNELS = 3
# ONNX Runtime's names of element types that differ from numpy's.
_NUMPY_TYPES = {"float": "float32", "double": "float64"}
_MAX_VALUES = 2**28  # one gigabyte of float32
_MAX_BIAS_WIDTH = 100_000  # more than the classes times the anchors of any detector
# In characters. To parse a literal takes 250 times its size in memory.
_MAX_SETTING_LENGTH = 1_000_000


@dataclass(frozen=True)
class TensorInfo:
    """An input or output of the graph.

    Attributes:
        name: the tensor's name.
        type: the type of its elements, with numpy's name.
        shape: its sizes; None if not even the rank is known.
    """

    name: str
    type: str
    shape: Shape | None

    @classmethod
    def from_node(cls, node: object) -> TensorInfo:
        """Return the tensor of an input or output node of ONNX Runtime's session."""
        name, node_type, shape = (getattr(node, key) for key in ("name", "type", "shape"))
        element_type = node_type.removeprefix("tensor(").removesuffix(")")
        # ONNX Runtime gives symbolic sizes as strings, and an unknown rank as [].
        sizes = tuple(size if isinstance(size, int) and size > 0 else None for size in shape)
        return cls(name, _NUMPY_TYPES.get(element_type, element_type), sizes or None)

    @property
    def rank(self) -> int | None:
        """The number of sizes; None if it is not known."""
        return None if self.shape is None else len(self.shape)

    def __str__(self) -> str:
        sizes = "?" if self.shape is None else " x ".join(str(size or "?") for size in self.shape)
        return f"{shortened(self.name)}: {sizes} {self.type}"


@dataclass(frozen=True)
class ImageInput:
    """The input of the graph that takes the image.

    Attributes:
        name: the tensor's name.
        type: float32, float16 or uint8.
        layout: the order of the sizes: batch (N, if there is one), channels, height and width.
        batch: the number of images that the input takes in one run.
        width, height: the size in pixels; None for a free size.
    """

    name: str
    type: str
    layout: Layout
    batch: int
    width: int | None
    height: int | None

    @classmethod
    def from_tensor(cls, tensor: TensorInfo) -> ImageInput | None:
        """Return the tensor as an input for a colour image; None if it cannot take one."""
        shape = tensor.shape
        if shape is None or tensor.type not in IMAGE_TYPES or len(shape) not in (3, 4):
            return None
        batch, sizes = (shape[0], shape[1:]) if len(shape) == 4 else (1, shape)  # noqa: PLR2004
        # If all three sizes are free, the type decides: only TensorFlow's graphs, which are NHWC,
        # take bytes.
        is_nhwc_by_type = sizes == (None, None, None) and tensor.type == "uint8"
        if sizes[0] == _CHANNELS or (
            sizes[0] is None and sizes[2] != _CHANNELS and not is_nhwc_by_type
        ):
            layout: Layout = "NCHW" if len(shape) == 4 else "CHW"  # noqa: PLR2004
            height, width = sizes[1:]
        elif sizes[2] in (_CHANNELS, None):
            layout = "NHWC" if len(shape) == 4 else "HWC"  # noqa: PLR2004
            height, width = sizes[:2]
        else:
            return None
        return cls(tensor.name, tensor.type, layout, batch or 1, width, height)

    @property
    def has_free_size(self) -> bool:
        """Whether the width or the height is free."""
        return self.width is None or self.height is None

    @property
    def value_count(self) -> int:
        """The number of values of the input; for a free size, of the blank image."""
        return math.prod(self.shape(self.width or PROBE_SIDE, self.height or PROBE_SIDE))

    def shape(self, width: int, height: int) -> tuple[int, ...]:
        """Return the shape of the input tensor for an input of this size in pixels."""
        sizes = (_CHANNELS, height, width) if "CHW" in self.layout else (height, width, _CHANNELS)
        return (self.batch, *sizes) if "N" in self.layout else sizes


@dataclass(frozen=True)
class Graph:
    """The features of a model by which families recognise it.

    Attributes:
        inputs, outputs: tensors in the graph's order.
        metadata: the metadata of the model file.
        operators: the operator types of the nodes, such as `Conv`.
        weights: the shapes of the named weights.
        label_count: number of labels on the card or in the metadata; None if there are none.
        card_family: the family on the model card, which decides where shapes leave it open; None
            if the card has none.
    """

    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    metadata: Mapping[str, str] = field(default_factory=dict)
    operators: frozenset[str] = frozenset()
    weights: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    label_count: int | None = None
    card_family: str | None = None

    @property
    def image_input(self) -> ImageInput:
        """The first input that can take an image.

        Raises:
            UnsupportedModelError: no input can take an image, or the input is too large.
        """
        for tensor in self.inputs:
            image_input = ImageInput.from_tensor(tensor)
            if image_input is None:
                continue
            largest_side = max(image_input.width or 0, image_input.height or 0)
            if image_input.value_count > _MAX_VALUES or largest_side > LARGEST_SIDE:
                raise UnsupportedModelError(
                    f"its input '{tensor}' is too large: the limits are {LARGEST_SIDE} pixels for "
                    f"a side and {_MAX_VALUES} values in total. Export it for smaller images, and "
                    "for a batch of 1."
                )
            return image_input
        raise UnsupportedModelError(
            f"none of its inputs ({'; '.join(map(str, self.inputs))}) takes a colour image. Export "
            "it with an input that has 3 channels, first or last, and the type "
            f"{', '.join(IMAGE_TYPES[:-1])} or {IMAGE_TYPES[-1]}."
        )

    @property
    def has_unknown_outputs(self) -> bool:
        """Whether the file leaves a size of an output open."""
        return any(tensor.shape is None or None in tensor.shape for tensor in self.outputs)

    def setting(self, key: str) -> object:
        """Return a value of the metadata, which exporters write as JSON or as a Python literal.

        Returns:
            The parsed value; the text itself if it is neither, or too long to be parsed; None if
            the metadata does not have the key.
        """
        text = self.metadata.get(key)
        if text is None or len(text) > _MAX_SETTING_LENGTH:
            return text
        for parse in (json.loads, ast.literal_eval):
            try:
                return parse(text)
            # Deep nesting raises MemoryError or RecursionError.
            except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
                continue
        return text

    def output(self, *names: str, rank: int | None = None) -> TensorInfo | None:
        """Return the first output with one of these names; None if there is none.

        Args:
            names: possible names. TensorFlow's suffix `:0` of an output is ignored.
            rank: the rank that the output must have, if the file gives it; None for any.
        """
        for tensor in self.outputs:
            has_rank = rank is None or tensor.rank in (rank, None)
            if has_rank and tensor.name.removesuffix(":0") in names:
                return tensor
        return None

    def bias_width(self, pattern: str) -> int | None:
        """Return the length of the first bias whose name matches; None if none does.

        Args:
            pattern: a regular expression, which may match any part of the name.
        """
        for name, shape in self.weights.items():
            if len(shape) == 1 and 0 < shape[0] <= _MAX_BIAS_WIDTH and re.search(pattern, name):
                return shape[0]
        return None

    def __str__(self) -> str:
        inputs, outputs = ("; ".join(map(str, tensors)) for tensors in (self.inputs, self.outputs))
        return f"inputs ({inputs}) and outputs ({outputs})"
