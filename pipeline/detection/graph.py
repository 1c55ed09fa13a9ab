"""A model's signature: what it takes and gives, as far as the file says."""

from __future__ import annotations

import ast
import json
import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from pipeline.detection.unsupported import UnsupportedModelError

if TYPE_CHECKING:
    from collections.abc import Mapping

Shape = tuple[int | None, ...]
"""A tensor's sizes; None: not known before it is there."""

Layout = Literal["NCHW", "NHWC", "CHW", "HWC"]

_CHANNELS = 3
# How ONNX Runtime names element types, and what we call them, as numpy does.
_TYPES = {"float": "float32", "double": "float64"}
PROBE_SIDE = 640
"""What a graph of a free size is tried with, in pixels, to see the shapes of its outputs."""
LARGEST_SIDE, LARGEST_STEP = 16384, 1024
"""Of an input, in pixels: a model's file or card that says more would have memory run out."""
_MOST_VALUES = 2**28  # a gigabyte of floats
_WIDEST_BIAS = 100_000  # no head has more classes and anchors
_LONGEST_SETTING = 1_000_000  # characters; literals take 250 times the memory to read
IMAGE_TYPES = ("float32", "float16", "uint8")


@dataclass(frozen=True)
class TensorInfo:
    """An input or output of the graph.

    Attributes:
        name: the tensor's name.
        type: of its elements, as numpy names it.
        shape: its sizes; None: the rank is not known either.
    """

    name: str
    type: str
    shape: Shape | None

    @classmethod
    def from_node(cls, node: object) -> TensorInfo:
        """Return the port of an input or output as ONNX Runtime's session tells it."""
        name, kind, shape = (getattr(node, key) for key in ("name", "type", "shape"))
        element = kind.removeprefix("tensor(").removesuffix(")")
        # Symbolic sizes are strings there; of an unknown rank it says [].
        sizes = tuple(size if isinstance(size, int) and size > 0 else None for size in shape)
        return cls(name, _TYPES.get(element, element), sizes or None)

    @property
    def rank(self) -> int | None:
        """How many sizes it has; None: not known."""
        return None if self.shape is None else len(self.shape)

    def __str__(self) -> str:
        sizes = "?" if self.shape is None else " x ".join(str(size or "?") for size in self.shape)
        return f"{self.name}: {sizes} {self.type}"


@dataclass(frozen=True)
class ImageInput:
    """The input that takes the picture.

    Attributes:
        name: the tensor's name.
        type: float32, float16 or uint8.
        layout: the order of its sizes: batch (N, or without), channels, height and width.
        batch: how many pictures it must have at a time.
        width, height: its size in pixels; None: free.
    """

    name: str
    type: str
    layout: Layout
    batch: int
    width: int | None
    height: int | None

    @classmethod
    def from_tensor(cls, port: TensorInfo) -> ImageInput | None:
        """Read a port as a picture of three channels; None if it is none."""
        shape = port.shape
        if shape is None or port.type not in IMAGE_TYPES or len(shape) not in (3, 4):
            return None
        batch, sizes = (shape[0], shape[1:]) if len(shape) == 4 else (1, shape)  # noqa: PLR2004
        # All three may be free; then the type tells: only TensorFlow's NHWC graphs take bytes.
        by_type = sizes == (None, None, None) and port.type == "uint8"
        if sizes[0] == _CHANNELS or (sizes[0] is None and sizes[2] != _CHANNELS and not by_type):
            layout: Layout = "NCHW" if len(shape) == 4 else "CHW"  # noqa: PLR2004
            height, width = sizes[1:]
        elif sizes[2] in (_CHANNELS, None):
            layout = "NHWC" if len(shape) == 4 else "HWC"  # noqa: PLR2004
            height, width = sizes[:2]
        else:
            return None
        return cls(port.name, port.type, layout, batch or 1, width, height)

    @property
    def values(self) -> int:
        """How many numbers it holds; of a free size, those that it is tried with."""
        return math.prod(self.shape(self.width or PROBE_SIDE, self.height or PROBE_SIDE))

    def shape(self, width: int, height: int) -> tuple[int, ...]:
        """Return the shape of its tensor for a picture of this size in pixels."""
        sizes = (_CHANNELS, height, width) if "CHW" in self.layout else (height, width, _CHANNELS)
        return (self.batch, *sizes) if "N" in self.layout else sizes


@dataclass(frozen=True)
class Graph:
    """A model's signature, and what else tells a family.

    Attributes:
        inputs, outputs: in the graph's order.
        metadata: the file's own, text to text.
        operators: the types of its nodes.
        weights: the shapes of its named tensors.
        label_count: how many labels are known, from the card or the metadata; None: no labels.
        family: the one that the card names: what its shapes leave open is then decided.
    """

    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    metadata: Mapping[str, str] = field(default_factory=dict)
    operators: frozenset[str] = frozenset()
    weights: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    label_count: int | None = None
    family: str | None = None

    @property
    def image(self) -> ImageInput:
        """Return the input that takes the picture.

        Raises:
            UnsupportedModelError: no input can, or it is too large.
        """
        for port in self.inputs:
            image = ImageInput.from_tensor(port)
            if image is None:
                continue
            if (
                image.values > _MOST_VALUES
                or max(image.width or 0, image.height or 0) > LARGEST_SIDE
            ):
                raise UnsupportedModelError(
                    f"its input '{port}' is larger than pretag feeds: {LARGEST_SIDE} pixels a side "
                    "and a gigabyte are the most. Export it for smaller pictures, and for one at a "
                    "time."
                )
            return image
        raise UnsupportedModelError(
            f"none of its inputs takes a colour picture ({'; '.join(map(str, self.inputs))}): it "
            f"must have 3 channels, first or last, of {', '.join(IMAGE_TYPES)}."
        )

    @property
    def has_unknown_outputs(self) -> bool:
        """Whether the file leaves the shape of an output open."""
        return any(port.shape is None or None in port.shape for port in self.outputs)

    def setting(self, key: str) -> object:
        """Return a value of the metadata, which exporters write as JSON or as Python literals.

        Returns:
            The value; text that is neither stays text; None if there is none.
        """
        text = self.metadata.get(key)
        if text is None or len(text) > _LONGEST_SETTING:
            return text
        for read in (json.loads, ast.literal_eval):
            try:
                return read(text)
            # The last two are what hostile nesting ends in.
            except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
                continue
        return text

    def output(self, *names: str, rank: int | None = None) -> TensorInfo | None:
        """Return the first output of one of these names; a `:0` at its end is TensorFlow's.

        Args:
            names: any of them.
            rank: how many sizes it has, if the file tells; None: any.
        """
        for port in self.outputs:
            fits = rank is None or port.rank in (rank, None)
            if fits and port.name.removesuffix(":0") in names:
                return port
        return None

    def bias_width(self, pattern: str) -> int | None:
        """Return the length of the first bias whose name has this pattern in it; None: no such."""
        for name, shape in self.weights.items():
            if len(shape) == 1 and 0 < shape[0] <= _WIDEST_BIAS and re.search(pattern, name):
                return shape[0]
        return None

    def __str__(self) -> str:
        inputs, outputs = ("; ".join(map(str, ports)) for ports in (self.inputs, self.outputs))
        return f"inputs ({inputs}), outputs ({outputs})"
