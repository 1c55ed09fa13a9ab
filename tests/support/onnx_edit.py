"""The default model, to be cut open: its boxes and scores, and nodes that go on from there."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, compose, helper, numpy_helper

from pipeline.detection.model import MODELS_DIRECTORY

DEFAULT = MODELS_DIRECTORY / "ssdlite_mobilenet_v2_coco.onnx"
SIDE, CLASSES, KEPT = 300, 80, 300

Outputs = dict[str, tuple[str, list[int | str]]]
"""Their names, element types and shapes."""

_TYPES = {"float32": TensorProto.FLOAT, "int64": TensorProto.INT64, "uint8": TensorProto.UINT8}


class Surgery:
    """A copy of the default model to which nodes are added; tensors go by their names."""

    def __init__(self) -> None:
        # Its own names must not meet those of the new outputs.
        self.model = compose.add_prefix(onnx.load(str(DEFAULT)), "default_")
        self.graph = self.model.graph
        self._count = 0
        rows = self.node("Transpose", "default_output0", perm=[0, 2, 1])
        self.centred = self.slice(rows, 0, 4)
        every = self.slice(rows, 4, 84)
        # Each anchor stands for its best class, as in the default model's spec.
        best = self.node("ReduceMax", every, self.constant(np.array([2])), keepdims=1)
        is_best = self.node("Cast", self.node("Equal", every, best), to=TensorProto.FLOAT)
        self.scores = self.node("Mul", every, is_best)
        centre, size = self.slice(self.centred, 0, 2), self.slice(self.centred, 2, 4)
        half = self.node("Mul", size, self.constant(np.float32(0.5)))
        low, high = self.node("Sub", centre, half), self.node("Add", centre, half)
        self.boxes = self.node("Concat", low, high, axis=2)

    @property
    def metadata(self) -> dict[str, str]:
        return {entry.key: entry.value for entry in self.model.metadata_props}

    def node(self, operator: str, *inputs: str, name: str | None = None, **attributes: Any) -> str:  # noqa: ANN401 - ONNX's own
        self._count += 1
        name = name or f"surgery_{self._count}"
        self.graph.node.append(helper.make_node(operator, inputs, [name], **attributes))
        return name

    def constant(self, value: NDArray[Any] | np.generic) -> str:
        self._count += 1
        name = f"constant_{self._count}"
        self.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def slice(self, tensor: str, start: int, end: int, axis: int = 2) -> str:
        bounds = (self.constant(np.array([each])) for each in (start, end, axis))
        return self.node("Slice", tensor, *bounds)

    def suppressed(self) -> tuple[str, str, str]:
        """Return K x 4 boxes, K x 1 scores and K x 1 class ids (int64), by the graph's own NMS."""
        limits = [np.array([KEPT]), *np.array([[0.5], [0.4]], np.float32)]
        columns = self.node("Transpose", self.scores, perm=[0, 2, 1])
        chosen = self.node(
            "NonMaxSuppression", self.boxes, columns, *[self.constant(limit) for limit in limits]
        )
        ids, anchors = self.slice(chosen, 1, 2, axis=1), self.slice(chosen, 2, 3, axis=1)
        flat = self.node("Squeeze", anchors, self.constant(np.array([1])))
        boxes = self.node("Gather", self.node("Squeeze", self.boxes, self._first()), flat)
        scores = self.node(
            "GatherND",
            self.node("Squeeze", columns, self._first()),
            self.slice(chosen, 1, 3, axis=1),
        )
        return boxes, self.node("Unsqueeze", scores, self.constant(np.array([1]))), ids

    def _first(self) -> str:
        return self.constant(np.array([0]))

    def padded(self) -> str:
        """Return 1 x 300 x 6: x1 y1 x2 y2 score class, zeros after the last."""
        boxes, scores, ids = self.suppressed()
        rows = self.node(
            "Concat", boxes, scores, self.node("Cast", ids, to=TensorProto.FLOAT), axis=1
        )
        filled = self.node("Concat", rows, self.constant(np.zeros((KEPT, 6), np.float32)), axis=0)
        return self.node("Unsqueeze", self.slice(filled, 0, KEPT, axis=0), self._first())

    def shares(self, boxes: str) -> str:
        return self.node("Div", boxes, self.constant(np.float32(SIDE)))

    def named(self, tensor: str, name: str) -> str:
        return self.node("Identity", tensor, name=name)

    def takes(self, name: str, kind: str, shape: list[int]) -> None:
        self.graph.input.append(helper.make_tensor_value_info(name, _TYPES[kind], shape))

    def picture(self, kind: str, shape: list[int], undo: Callable[[str], str]) -> None:
        """Replace the picture's input by one of another kind, which `undo` turns into the old."""
        del self.graph.input[0]
        self.takes("picture", kind, shape)
        before = len(self.graph.node)
        old = undo("picture")
        self.node("Identity", old, name="default_images")
        nodes = [self.graph.node.pop() for _ in range(len(self.graph.node) - before)]
        for node in nodes:
            self.graph.node.insert(0, node)

    def gives(self, **outputs: tuple[str, list[int | str]]) -> None:
        del self.graph.output[:]
        for name, (kind, shape) in outputs.items():
            self.graph.output.append(helper.make_tensor_value_info(name, _TYPES[kind], shape))

    def save(self, path: Path, **card: object) -> Path:
        onnx.save(self.model, str(path))
        if card:
            path.with_suffix(".json").write_text(json.dumps(card))
        return path
