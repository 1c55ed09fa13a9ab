"""The default model with other heads: the same boxes, in the formats of other families."""

from pathlib import Path

import numpy as np
from onnx import TensorProto, helper

from pipeline.detection.families.common.grids import cell_grid
from tests.support.onnx_edit import CLASSES, KEPT, SIDE, Outputs, Surgery

CELLS = 1905
MEAN_BGR = (102.9801, 115.9465, 122.7717)


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
    places, strides = map(cut.constant, cell_grid((SIDE, SIDE), (8, 16, 32)))
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
    real = cut.node("Greater", "det_scores", _number(cut, 0))
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


def ultralytics_rtdetr(path: Path, *, chosen: bool) -> Path:
    cut = Surgery()
    rows = cut.padded()
    classes = cut.slice(rows, 4, 6) if chosen else _class_scores(cut, rows, CLASSES)
    cut.node("Concat", _centred_shares(cut, rows), classes, axis=2, name="output0")
    cut.gives(output0=("float32", [1, KEPT, 6 if chosen else 4 + CLASSES]))
    helper.set_model_props(cut.model, {**cut.metadata, "head": "RTDETRDecoder"})
    return cut.save(path, preprocess={"resize": "letterbox"})


def detr(path: Path) -> Path:
    cut = Surgery()
    rows = cut.padded()
    rest = cut.node("Sub", _number(cut, 1), cut.slice(rows, 4, 5))
    shares = cut.node("Concat", _class_scores(cut, rows, CLASSES), rest, axis=2)
    # Softmax of log p is p.
    cut.node("Log", _certain_of_nothing(cut, shares), name="logits")
    return _queries(cut, path, rows, "pred_boxes", ("logits", CLASSES + 1))


def detr_sigmoid(path: Path) -> Path:
    cut = Surgery()
    rows = cut.padded()
    cut.named(_logits(cut, _class_scores(cut, rows, CLASSES)), "logits")
    return _queries(cut, path, rows, "pred_boxes", ("logits", CLASSES))


def rf_detr(path: Path) -> Path:
    cut = Surgery()
    rows = cut.padded()
    background = cut.constant(np.full((1, KEPT, 1), 0.9, np.float32))
    shares = cut.node("Concat", _class_scores(cut, rows, CLASSES), background, axis=2)
    cut.named(_logits(cut, shares), "labels")
    return _queries(cut, path, rows, "dets", ("labels", CLASSES + 1))


def _queries(cut: Surgery, path: Path, rows: str, boxes: str, logits: tuple[str, int]) -> Path:
    cut.named(_centred_shares(cut, rows), boxes)
    name, columns = logits
    ports: Outputs = {
        name: ("float32", [1, KEPT, columns]),
        boxes: ("float32", [1, KEPT, 4]),
    }
    cut.gives(**ports)
    plain = {"resize": "letterbox", "filter": "linear", "padding": 114}
    return cut.save(path, preprocess={**plain, "mean": [0, 0, 0], "std": [1, 1, 1]})


def _class_scores(cut: Surgery, rows: str, columns: int) -> str:
    """Turn the last two of x1 y1 x2 y2 score class into a score a class."""
    ids = cut.node("Squeeze", cut.slice(rows, 5, 6), cut.constant(np.array([2])))
    depth, values = cut.constant(np.array(columns)), cut.constant(np.array([0, 1], np.float32))
    hot = cut.node("OneHot", cut.node("Cast", ids, to=TensorProto.INT64), depth, values)
    return cut.node("Mul", hot, cut.slice(rows, 4, 5))


def _logits(cut: Surgery, shares: str) -> str:
    shares = _certain_of_nothing(cut, shares)
    others = cut.node("Sub", _number(cut, 1), shares)
    return cut.node("Log", cut.node("Div", shares, others))


def _certain_of_nothing(cut: Surgery, shares: str) -> str:
    limits = np.float32(1e-7), np.float32(1 - 1e-6)
    return cut.node("Clip", shares, *map(cut.constant, limits))


def _centred_shares(cut: Surgery, rows: str) -> str:
    """Turn the first four of x1 y1 x2 y2 score class into cx cy w h, as shares of the input."""
    corners = cut.shares(cut.slice(rows, 0, 4))
    low, high = cut.slice(corners, 0, 2), cut.slice(corners, 2, 4)
    centre = cut.node("Mul", cut.node("Add", low, high), _number(cut, 0.5))
    return cut.node("Concat", centre, cut.node("Sub", high, low), axis=2)


def torchvision(path: Path) -> Path:
    cut = Surgery()
    return _without_batch(cut, path, ("boxes", "found", "ids"), preprocess={"resize": "letterbox"})


def maskrcnn_benchmark(path: Path) -> Path:
    cut = Surgery()
    cut.picture("float32", [3, SIDE, SIDE], lambda tensor: _rgb_of_mean(cut, tensor))
    plain = {"resize": "letterbox", "filter": "linear", "padding": 114}
    return _without_batch(cut, path, ("6379", "6383", "6381"), preprocess=plain)


def _without_batch(
    cut: Surgery, path: Path, names: tuple[str, str, str], **card: dict[str, object]
) -> Path:
    found = cut.suppressed()
    flat = cut.constant(np.array([1]))
    boxes, scores, ids = names
    cut.named(found[0], boxes)
    cut.node("Squeeze", found[1], flat, name=scores)
    cut.node("Add", cut.node("Squeeze", found[2], flat), cut.constant(np.array(1)), name=ids)
    ports: Outputs = {
        boxes: ("float32", ["n", 4]),
        scores: ("float32", ["n"]),
        ids: ("int64", ["n"]),
    }
    cut.gives(**ports)
    return cut.save(path, **card)


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
    cut.node("Add", ids, _number(cut, 1), name="detection_classes")
    cut.named(cut.constant(np.array([KEPT], np.float32)), "num_detections")
    cut.gives(
        detection_boxes=("float32", [1, KEPT, 4]),
        detection_classes=("float32", [1, KEPT]),
        detection_scores=("float32", [1, KEPT]),
        num_detections=("float32", [1]),
    )
    return cut.save(path, preprocess={"resize": "letterbox"})


def tflite(path: Path) -> Path:
    cut = Surgery()
    cut.picture("float32", [1, SIDE, SIDE, 3], lambda tensor: _from_signs(cut, tensor))
    rows = cut.padded()
    flat = cut.constant(np.array([2]))
    boxes, classes, scores, count = (f"StatefulPartitionedCall:{number}" for number in range(4))
    order = cut.constant(np.array([1, 0, 3, 2]))
    cut.node("Gather", cut.shares(cut.slice(rows, 0, 4)), order, axis=2, name=boxes)
    cut.node("Squeeze", cut.slice(rows, 5, 6), flat, name=classes)
    cut.node("Squeeze", cut.slice(rows, 4, 5), flat, name=scores)
    cut.named(cut.constant(np.array([KEPT], np.float32)), count)
    ports: Outputs = {
        classes: ("float32", [1, KEPT]),
        count: ("float32", [1]),
        boxes: ("float32", [1, KEPT, 4]),
        scores: ("float32", [1, KEPT]),
    }
    cut.gives(**ports)
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
    return cut.node("Div", rgb, _number(cut, 255))


def _from_bytes(cut: Surgery, pixels: str) -> str:
    values = cut.node("Cast", pixels, to=TensorProto.FLOAT)
    planes = cut.node("Transpose", values, perm=[0, 3, 1, 2])
    return cut.node("Div", planes, _number(cut, 255))


def _from_halves(cut: Surgery, values: str) -> str:
    scaled = cut.node("Mul", values, _number(cut, 128))
    pixels = cut.node("Add", scaled, _number(cut, 127))
    return cut.node("Div", pixels, _number(cut, 255))


def _from_signs(cut: Surgery, values: str) -> str:
    shares = cut.node("Div", cut.node("Add", values, _number(cut, 1)), _number(cut, 2))
    return cut.node("Transpose", shares, perm=[0, 3, 1, 2])


def _rgb_of_mean(cut: Surgery, bgr: str) -> str:
    mean = cut.constant(np.array(MEAN_BGR, np.float32).reshape(3, 1, 1))
    pixels = cut.node("Add", bgr, mean)
    return _rgb_shares(cut, cut.node("Unsqueeze", pixels, cut.constant(np.array([0]))))


def _number(cut: Surgery, value: float) -> str:
    return cut.constant(np.float32(value))
