"""Editing of the default model: nodes that turn its boxes and scores into other outputs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, compose, helper, numpy_helper

from tests.support.default_model import DEFAULT_MODEL

SIDE, CLASSES, ANCHORS = 300, 80, 1917
"""Of the default model: side of the input in pixels, number of classes, number of anchors."""
ROWS = 300
"""Number of rows of outputs after NMS, and the most boxes that NMS keeps for each class."""

TensorTypes = dict[str, tuple[str, list[int | str]]]
"""Names of tensors, with their element types and shapes."""

_ELEMENT_TYPES = {
    "float32": TensorProto.FLOAT,
    "int64": TensorProto.INT64,
    "uint8": TensorProto.UINT8,
}


class ModelEditor:
    """A copy of the default model, to which nodes and outputs can be added.

    Methods that add nodes take and return names of tensors.

    Attributes:
        model: the copy.
        graph: the graph of the copy.
        centred_boxes: 1 x 1917 x 4, cx cy w h in input pixels.
        boxes: 1 x 1917 x 4, x1 y1 x2 y2 in input pixels.
        scores: 1 x 1917 x 80; in each row, all scores but the best are 0. The default model's
            decoding, too, takes only the best class of each anchor.
    """

    def __init__(self) -> None:
        # The prefix keeps the names of the default model apart from those of the new tensors.
        self.model = compose.add_prefix(onnx.load(str(DEFAULT_MODEL)), "default_")
        self.graph = self.model.graph
        self._tensor_count = 0
        rows = self.add_node("Transpose", "default_output0", perm=[0, 2, 1])
        self.centred_boxes = self.slice(rows, 0, 4)
        class_scores = self.slice(rows, 4, 4 + CLASSES)
        best = self.add_node("ReduceMax", class_scores, self.integers(2), keepdims=1)
        is_best = self.add_node("Equal", class_scores, best)
        self.scores = self.add_node(
            "Mul", class_scores, self.add_node("Cast", is_best, to=TensorProto.FLOAT)
        )
        centre, size = self.slice(self.centred_boxes, 0, 2), self.slice(self.centred_boxes, 2, 4)
        half_size = self.add_node("Mul", size, self.number(0.5))
        low = self.add_node("Sub", centre, half_size)
        high = self.add_node("Add", centre, half_size)
        self.boxes = self.add_node("Concat", low, high, axis=2)

    @property
    def metadata(self) -> dict[str, str]:
        return {entry.key: entry.value for entry in self.model.metadata_props}

    def add_node(
        self,
        operator: str,
        *inputs: str,
        name: str | None = None,
        **attributes: Any,  # noqa: ANN401 - as in ONNX
    ) -> str:
        """Add a node with one output, and return the output's name."""
        self._tensor_count += 1
        name = name or f"tensor_{self._tensor_count}"
        self.graph.node.append(helper.make_node(operator, inputs, [name], **attributes))
        return name

    def constant(self, value: NDArray[Any] | np.generic) -> str:
        self._tensor_count += 1
        name = f"constant_{self._tensor_count}"
        self.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def number(self, value: float) -> str:
        """Add a constant of rank 0, float32."""
        return self.constant(np.float32(value))

    def integers(self, *values: int) -> str:
        """Add a constant of rank 1, int64."""
        return self.constant(np.array(values))

    def slice(self, tensor: str, start: int, end: int, axis: int = 2) -> str:
        bounds = (self.integers(value) for value in (start, end, axis))
        return self.add_node("Slice", tensor, *bounds)

    def squeeze(self, tensor: str, axis: int, name: str | None = None) -> str:
        return self.add_node("Squeeze", tensor, self.integers(axis), name=name)

    def rename(self, tensor: str, name: str) -> str:
        return self.add_node("Identity", tensor, name=name)

    def to_relative(self, boxes: str) -> str:
        """Divide boxes in input pixels by the side of the input."""
        return self.add_node("Div", boxes, self.number(SIDE))

    def add_nms(self) -> tuple[str, str, str]:
        """Add NMS, and return K x 4 boxes, K x 1 scores and K x 1 class ids (int64)."""
        limits = [np.array([ROWS]), *np.array([[0.5], [0.4]], np.float32)]
        columns = self.add_node("Transpose", self.scores, perm=[0, 2, 1])
        selected = self.add_node(
            "NonMaxSuppression", self.boxes, columns, *[self.constant(limit) for limit in limits]
        )
        class_ids = self.slice(selected, 1, 2, axis=1)
        anchors = self.squeeze(self.slice(selected, 2, 3, axis=1), 1)
        boxes = self.add_node("Gather", self.squeeze(self.boxes, 0), anchors)
        scores = self.add_node(
            "GatherND", self.squeeze(columns, 0), self.slice(selected, 1, 3, axis=1)
        )
        return boxes, self.add_node("Unsqueeze", scores, self.integers(1)), class_ids

    def add_nms_rows(self) -> str:
        """Add NMS, and return 1 x 300 x 6: x1 y1 x2 y2, score, class id; unused rows are 0."""
        boxes, scores, class_ids = self.add_nms()
        rows = self.add_node(
            "Concat", boxes, scores, self.add_node("Cast", class_ids, to=TensorProto.FLOAT), axis=1
        )
        unused = self.constant(np.zeros((ROWS, 6), np.float32))
        filled = self.add_node("Concat", rows, unused, axis=0)
        return self.add_node("Unsqueeze", self.slice(filled, 0, ROWS, axis=0), self.integers(0))

    def add_input(self, name: str, element_type: str, shape: list[int]) -> None:
        self.graph.input.append(
            helper.make_tensor_value_info(name, _ELEMENT_TYPES[element_type], shape)
        )

    def replace_image_input(
        self, element_type: str, shape: list[int], to_default: Callable[[str], str]
    ) -> None:
        """Replace the image input by another one.

        Args:
            element_type: of the new input.
            shape: of the new input.
            to_default: adds nodes that convert the new input to the default model's, and returns
                the converted tensor.
        """
        del self.graph.input[0]
        self.add_input("image", element_type, shape)
        node_count = len(self.graph.node)
        self.rename(to_default("image"), "default_images")
        # The new nodes have to come before the others, which depend on them.
        added = [self.graph.node.pop() for _ in range(len(self.graph.node) - node_count)]
        for node in added:
            self.graph.node.insert(0, node)

    def set_outputs(self, **outputs: tuple[str, list[int | str]]) -> None:
        """Declare the outputs of the graph; their tensors have to exist."""
        del self.graph.output[:]
        for name, (element_type, shape) in outputs.items():
            self.graph.output.append(
                helper.make_tensor_value_info(name, _ELEMENT_TYPES[element_type], shape)
            )

    def save(self, path: Path, **card: object) -> Path:
        """Write the model, and a model card beside it if there are values for one."""
        onnx.save(self.model, str(path))
        if card:
            path.with_suffix(".json").write_text(json.dumps(card))
        return path
