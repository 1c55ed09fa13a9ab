"""The default model with other heads: the same boxes, in the formats of other families."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, compose, helper, numpy_helper

from pipeline.detection.families.grids import cells_of
from pipeline.detection.model import MODELS_DIRECTORY

DEFAULT = MODELS_DIRECTORY / "ssdlite_mobilenet_v2_coco.onnx"
SIDE, CLASSES, KEPT, CELLS = 300, 80, 300, 1905

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
        # Each anchor stands for its best class, as in the default model's reading.
        best = self.node("ReduceMax", every, self.constant(np.array([2])), keepdims=1)
        is_best = self.node("Cast", self.node("Equal", every, best), to=TensorProto.FLOAT)
        self.scores = self.node("Mul", every, is_best)
        centre, size = self.slice(self.centred, 0, 2), self.slice(self.centred, 2, 4)
        half = self.node("Mul", size, self.constant(np.float32(0.5)))
        low, high = self.node("Sub", centre, half), self.node("Add", centre, half)
        self.boxes = self.node("Concat", low, high, axis=2)

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

    def gives(self, **outputs: tuple[str, list[int | str] | None]) -> None:
        del self.graph.output[:]
        for name, (kind, shape) in outputs.items():
            self.graph.output.append(helper.make_tensor_value_info(name, _TYPES[kind], shape))

    def save(self, path: Path, **card: object) -> Path:
        onnx.save(self.model, str(path))
        if card:
            path.with_suffix(".json").write_text(json.dumps(card))
        return path


def yolov5(path: Path) -> Path:
    cut = Surgery()
    certain = cut.constant(np.ones((1, 1917, 1), np.float32))
    cut.node("Concat", cut.centred, certain, cut.scores, axis=2, name="output")
    cut.gives(output=("float32", [1, 1917, 85]))
    return cut.save(path)


def yolox(path: Path, *, decoded: bool) -> Path:
    cut = Surgery()
    cut.picture("float32", [1, 3, SIDE, SIDE], lambda tensor: _rgb_shares(cut, tensor))
    # Of 1,917 anchors, as many as the input has cells: those that score best.
    best = cut.node("ReduceMax", cut.scores, cut.constant(np.array([2])), keepdims=0)
    cut.graph.node.append(
        helper.make_node("TopK", [best, cut.constant(np.array([CELLS]))], ["top", "chosen"], axis=1)
    )
    chosen = cut.node("Squeeze", "chosen", cut.constant(np.array([0])))
    boxes, scores = (cut.node("Gather", each, chosen, axis=1) for each in (cut.centred, cut.scores))
    centre, size = cut.slice(boxes, 0, 2), cut.slice(boxes, 2, 4)
    places, strides = map(cut.constant, cells_of((SIDE, SIDE), (8, 16, 32)))
    centre = cut.node("Sub", cut.node("Div", centre, strides), places)
    size = cut.node("Log", cut.node("Div", size, strides))
    if decoded:
        centre = cut.node("Mul", cut.node("Add", centre, places), strides)
        size = cut.node("Mul", cut.node("Exp", size), strides)
    certain = cut.constant(np.ones((1, CELLS, 1), np.float32))
    cut.node("Concat", centre, size, certain, scores, axis=2, name="output")
    cut.gives(output=("float32", [1, CELLS, 85]))
    return cut.save(path, preprocess={"resize": "letterbox"})


def end_to_end(path: Path) -> Path:
    cut = Surgery()
    cut.named(cut.padded(), "output0")
    cut.gives(output0=("float32", [1, KEPT, 6]))
    return cut.save(path)


def efficient_nms(path: Path) -> Path:
    cut = Surgery()
    rows = cut.padded()
    cut.named(cut.slice(rows, 0, 4), "det_boxes")
    cut.node("Squeeze", cut.slice(rows, 4, 5), cut.constant(np.array([2])), name="det_scores")
    ids = cut.node("Squeeze", cut.slice(rows, 5, 6), cut.constant(np.array([2])))
    cut.node("Cast", ids, to=TensorProto.INT64, name="det_classes")
    real = cut.node("Greater", "det_scores", cut.constant(np.float32(0)))
    counted = cut.node("Cast", real, to=TensorProto.INT64)
    cut.node("ReduceSum", counted, cut.constant(np.array([1])), keepdims=1, name="num_dets")
    cut.gives(
        num_dets=("int64", [1, 1]),
        det_boxes=("float32", [1, KEPT, 4]),
        det_scores=("float32", [1, KEPT]),
        det_classes=("int64", [1, KEPT]),
    )
    return cut.save(path)


def rtdetr(path: Path) -> Path:
    cut = Surgery()
    cut.takes("orig_target_sizes", "int64", [1, 2])
    rows = cut.padded()
    sizes = cut.node("Cast", "orig_target_sizes", to=TensorProto.FLOAT)
    twice = cut.node("Concat", sizes, sizes, axis=1)
    cut.node("Mul", cut.shares(cut.slice(rows, 0, 4)), twice, name="boxes")
    cut.node("Squeeze", cut.slice(rows, 4, 5), cut.constant(np.array([2])), name="scores")
    ids = cut.node("Squeeze", cut.slice(rows, 5, 6), cut.constant(np.array([2])))
    cut.node("Cast", ids, to=TensorProto.INT64, name="labels")
    cut.gives(
        labels=("int64", [1, KEPT]),
        boxes=("float32", [1, KEPT, 4]),
        scores=("float32", [1, KEPT]),
    )
    return cut.save(path, preprocess={"resize": "letterbox", "filter": "linear"})


def detr(path: Path, *, softmax: bool) -> Path:
    cut = Surgery()
    rows = cut.padded()
    columns = CLASSES + 1 if softmax else CLASSES
    ids = cut.node("Squeeze", cut.slice(rows, 5, 6), cut.constant(np.array([2])))
    depth, values = cut.constant(np.array(columns)), cut.constant(np.array([0, 1], np.float32))
    hot = cut.node("OneHot", cut.node("Cast", ids, to=TensorProto.INT64), depth, values)
    shares = cut.node("Mul", hot, cut.slice(rows, 4, 5))
    if softmax:
        rest = cut.node("Sub", cut.constant(np.float32(1)), cut.slice(rows, 4, 5))
        shares = cut.node("Concat", cut.slice(shares, 0, CLASSES), rest, axis=2)
    low, high = cut.constant(np.float32(1e-7)), cut.constant(np.float32(1 - 1e-6))
    shares = cut.node("Clip", shares, low, high)
    if softmax:
        cut.node("Log", shares, name="logits")
    else:
        others = cut.node("Sub", cut.constant(np.float32(1)), shares)
        cut.node("Log", cut.node("Div", shares, others), name="logits")
    corners = cut.shares(cut.slice(rows, 0, 4))
    low, high = cut.slice(corners, 0, 2), cut.slice(corners, 2, 4)
    centre = cut.node("Mul", cut.node("Add", low, high), cut.constant(np.float32(0.5)))
    cut.node("Concat", centre, cut.node("Sub", high, low), axis=2, name="pred_boxes")
    cut.gives(logits=("float32", [1, KEPT, columns]), pred_boxes=("float32", [1, KEPT, 4]))
    plain = {"resize": "letterbox", "filter": "linear", "padding": 114}
    return cut.save(path, preprocess={**plain, "mean": [0, 0, 0], "std": [1, 1, 1]})


def torchvision(path: Path) -> Path:
    cut = Surgery()
    boxes, scores, ids = cut.suppressed()
    flat = cut.constant(np.array([1]))
    cut.named(boxes, "boxes")
    cut.node("Squeeze", scores, flat, name="found")
    cut.node("Add", cut.node("Squeeze", ids, flat), cut.constant(np.array(1)), name="ids")
    cut.gives(boxes=("float32", ["n", 4]), found=("float32", ["n"]), ids=("int64", ["n"]))
    return cut.save(path, preprocess={"padding": 114})


def tensorflow(path: Path) -> Path:
    cut = Surgery()
    cut.picture("uint8", [1, SIDE, SIDE, 3], lambda tensor: _from_bytes(cut, tensor))
    rows = cut.padded()
    corners = cut.shares(cut.slice(rows, 0, 4))
    order = cut.constant(np.array([1, 0, 3, 2]))
    cut.node("Gather", corners, order, axis=2, name="detection_boxes")
    flat = cut.constant(np.array([2]))
    cut.node("Squeeze", cut.slice(rows, 4, 5), flat, name="detection_scores")
    ids = cut.node("Squeeze", cut.slice(rows, 5, 6), flat)
    cut.node("Add", ids, cut.constant(np.float32(1)), name="detection_classes")
    cut.named(cut.constant(np.array([KEPT], np.float32)), "num_detections")
    cut.gives(
        detection_boxes=("float32", [1, KEPT, 4]),
        detection_classes=("float32", [1, KEPT]),
        detection_scores=("float32", [1, KEPT]),
        num_detections=("float32", [1]),
    )
    return cut.save(path, preprocess={"resize": "letterbox"})


def ssd(path: Path) -> Path:
    cut = Surgery()
    cut.picture("float32", [1, 3, SIDE, SIDE], lambda tensor: _from_halves(cut, tensor))
    cut.named(cut.shares(cut.boxes), "boxes")
    background = cut.constant(np.zeros((1, 1917, 1), np.float32))
    cut.node("Concat", background, cut.scores, axis=2, name="scores")
    cut.gives(boxes=("float32", [1, 1917, 4]), scores=("float32", [1, 1917, CLASSES + 1]))
    return cut.save(path, preprocess={"resize": "letterbox", "padding": 114})


def _rgb_shares(cut: Surgery, bgr: str) -> str:
    rgb = cut.node("Gather", bgr, cut.constant(np.array([2, 1, 0])), axis=1)
    return cut.node("Div", rgb, cut.constant(np.float32(255)))


def _from_bytes(cut: Surgery, pixels: str) -> str:
    values = cut.node("Cast", pixels, to=TensorProto.FLOAT)
    planes = cut.node("Transpose", values, perm=[0, 3, 1, 2])
    return cut.node("Div", planes, cut.constant(np.float32(255)))


def _from_halves(cut: Surgery, values: str) -> str:
    scaled = cut.node("Mul", values, cut.constant(np.float32(128)))
    pixels = cut.node("Add", scaled, cut.constant(np.float32(127)))
    return cut.node("Div", pixels, cut.constant(np.float32(255)))
