"""The default model with the outputs of other families.

Each function writes the default model with nodes that turn its boxes and scores into the outputs of
one family, and its image input into that family's. A card asks for the default model's letterbox
where the family resizes otherwise. All of these models have to find what the default model finds.
"""

from pathlib import Path

import numpy as np
from onnx import TensorProto, helper

from pipeline.detection.families.common.grids import cell_grid
from tests.support.onnx_edit import ANCHORS, CLASSES, ROWS, SIDE, ModelEditor, TensorTypes

# Cells of an input of 300 x 300 pixels with strides of 8, 16 and 32.
CELLS = 1905
MEAN_BGR = (102.9801, 115.9465, 122.7717)
DEFAULT_LETTERBOX = {"resize": "letterbox", "filter": "linear", "padding": 114}


def yolov5(path: Path) -> Path:
    editor = ModelEditor()
    objectness = editor.constant(np.ones((1, ANCHORS, 1), np.float32))
    editor.add_node(
        "Concat", editor.centred_boxes, objectness, editor.scores, axis=2, name="output"
    )
    editor.set_outputs(output=("float32", [1, ANCHORS, 5 + CLASSES]))
    return editor.save(path)


def yolox(path: Path, *, in_pixels: bool) -> Path:
    editor = ModelEditor()
    editor.replace_image_input(
        "float32", [1, 3, SIDE, SIDE], lambda image: _bgr_to_default(editor, image)
    )
    # There are more anchors than cells: the anchors with the best scores are used.
    best = editor.add_node("ReduceMax", editor.scores, editor.integers(2), keepdims=0)
    editor.graph.node.append(
        helper.make_node("TopK", [best, editor.integers(CELLS)], ["top", "top_anchors"], axis=1)
    )
    anchors = editor.squeeze("top_anchors", 0)
    boxes, scores = (
        editor.add_node("Gather", tensor, anchors, axis=1)
        for tensor in (editor.centred_boxes, editor.scores)
    )
    centre, size = editor.slice(boxes, 0, 2), editor.slice(boxes, 2, 4)
    positions, strides = map(editor.constant, cell_grid((SIDE, SIDE), (8, 16, 32)))
    centre = editor.add_node("Sub", editor.add_node("Div", centre, strides), positions)
    size = editor.add_node("Log", editor.add_node("Div", size, strides))
    if in_pixels:
        centre = editor.add_node("Mul", editor.add_node("Add", centre, positions), strides)
        size = editor.add_node("Mul", editor.add_node("Exp", size), strides)
    objectness = editor.constant(np.ones((1, CELLS, 1), np.float32))
    editor.add_node("Concat", centre, size, objectness, scores, axis=2, name="output")
    editor.set_outputs(output=("float32", [1, CELLS, 5 + CLASSES]))
    return editor.save(path, preprocess={"resize": "letterbox"})


def end_to_end(path: Path) -> Path:
    editor = ModelEditor()
    editor.rename(editor.add_nms_rows(), "output0")
    editor.set_outputs(output0=("float32", [1, ROWS, 6]))
    return editor.save(path)


def named_columns(path: Path) -> Path:
    editor = ModelEditor()
    rows = editor.add_nms_rows()
    boxes = editor.to_relative(editor.slice(rows, 0, 4))
    scores, class_ids = editor.slice(rows, 4, 5), editor.slice(rows, 5, 6)
    editor.add_node("Concat", class_ids, boxes, scores, axis=2, name="label_xyxy_score")
    editor.set_outputs(label_xyxy_score=("float32", [1, ROWS, 6]))
    colours = {"colour": "rgb", "scale": 1 / 255}
    return editor.save(path, preprocess={"resize": "letterbox", **colours})


def efficient_nms(path: Path) -> Path:
    editor = ModelEditor()
    rows = editor.add_nms_rows()
    editor.rename(editor.slice(rows, 0, 4), "det_boxes")
    editor.squeeze(editor.slice(rows, 4, 5), 2, name="det_scores")
    class_ids = editor.squeeze(editor.slice(rows, 5, 6), 2)
    editor.add_node("Cast", class_ids, to=TensorProto.INT64, name="det_classes")
    is_object = editor.add_node("Greater", "det_scores", editor.number(0))
    ones = editor.add_node("Cast", is_object, to=TensorProto.INT64)
    editor.add_node("ReduceSum", ones, editor.integers(1), keepdims=1, name="num_dets")
    editor.set_outputs(
        num_dets=("int64", [1, 1]),
        det_boxes=("float32", [1, ROWS, 4]),
        det_scores=("float32", [1, ROWS]),
        det_classes=("int64", [1, ROWS]),
    )
    return editor.save(path)


def yolo_nas(path: Path) -> Path:
    editor = ModelEditor()
    rows = editor.squeeze(editor.add_nms_rows(), 0)
    index = editor.constant(np.zeros((ROWS, 1), np.float32))
    editor.add_node("Concat", index, rows, axis=1, name="graph2_flat_predictions")
    editor.set_outputs(graph2_flat_predictions=("float32", [ROWS, 7]))
    return editor.save(path, preprocess={"resize": "letterbox"})


def mmdeploy(path: Path) -> Path:
    editor = ModelEditor()
    rows = editor.add_nms_rows()
    editor.rename(editor.slice(rows, 0, 5), "dets")
    class_ids = editor.squeeze(editor.slice(rows, 5, 6), 2)
    editor.add_node("Cast", class_ids, to=TensorProto.INT64, name="labels")
    editor.set_outputs(dets=("float32", [1, ROWS, 5]), labels=("int64", [1, ROWS]))
    scale = {"scale": 1 / 255, "mean": [0, 0, 0], "std": [1, 1, 1]}
    return editor.save(path, preprocess={"resize": "letterbox", "colour": "rgb", **scale})


def rtdetr(path: Path) -> Path:
    editor = ModelEditor()
    editor.add_input("orig_target_sizes", "int64", [1, 2])
    rows = editor.add_nms_rows()
    size = editor.add_node("Cast", "orig_target_sizes", to=TensorProto.FLOAT)
    size_twice = editor.add_node("Concat", size, size, axis=1)
    boxes = editor.to_relative(editor.slice(rows, 0, 4))
    editor.add_node("Mul", boxes, size_twice, name="boxes")
    editor.squeeze(editor.slice(rows, 4, 5), 2, name="scores")
    class_ids = editor.squeeze(editor.slice(rows, 5, 6), 2)
    editor.add_node("Cast", class_ids, to=TensorProto.INT64, name="labels")
    editor.set_outputs(
        labels=("int64", [1, ROWS]),
        boxes=("float32", [1, ROWS, 4]),
        scores=("float32", [1, ROWS]),
    )
    return editor.save(path, preprocess={"resize": "letterbox", "filter": "linear"})


def ultralytics_rtdetr(path: Path, *, has_best_class: bool) -> Path:
    editor = ModelEditor()
    rows = editor.add_nms_rows()
    classes = editor.slice(rows, 4, 6) if has_best_class else _class_scores(editor, rows)
    boxes = _relative_centred_boxes(editor, rows)
    editor.add_node("Concat", boxes, classes, axis=2, name="output0")
    editor.set_outputs(output0=("float32", [1, ROWS, 6 if has_best_class else 4 + CLASSES]))
    helper.set_model_props(editor.model, {**editor.metadata, "head": "RTDETRDecoder"})
    return editor.save(path, preprocess={"resize": "letterbox"})


def detr(path: Path) -> Path:
    editor = ModelEditor()
    rows = editor.add_nms_rows()
    no_object = editor.add_node("Sub", editor.number(1), editor.slice(rows, 4, 5))
    probabilities = editor.add_node("Concat", _class_scores(editor, rows), no_object, axis=2)
    # The softmax of log p is p.
    editor.add_node("Log", _clip_probabilities(editor, probabilities), name="logits")
    return _save_queries(editor, path, rows, "pred_boxes", ("logits", CLASSES + 1))


def detr_sigmoid(path: Path) -> Path:
    editor = ModelEditor()
    rows = editor.add_nms_rows()
    editor.rename(_logits(editor, _class_scores(editor, rows)), "logits")
    return _save_queries(editor, path, rows, "pred_boxes", ("logits", CLASSES))


def rf_detr(path: Path) -> Path:
    editor = ModelEditor()
    rows = editor.add_nms_rows()
    background = editor.constant(np.full((1, ROWS, 1), 0.9, np.float32))
    probabilities = editor.add_node("Concat", _class_scores(editor, rows), background, axis=2)
    editor.rename(_logits(editor, probabilities), "labels")
    return _save_queries(editor, path, rows, "dets", ("labels", CLASSES + 1))


def torchvision(path: Path) -> Path:
    editor = ModelEditor()
    names = ("boxes", "scores", "labels")
    card = {"preprocess": {"resize": "letterbox"}, "first_class_id": 1}
    return _save_without_batch(editor, path, names, **card)


def maskrcnn_benchmark(path: Path) -> Path:
    editor = ModelEditor()
    editor.replace_image_input(
        "float32", [3, SIDE, SIDE], lambda image: _bgr_minus_mean_to_default(editor, image)
    )
    names = ("6379", "6383", "6381")
    return _save_without_batch(editor, path, names, preprocess=DEFAULT_LETTERBOX)


def tensorflow(path: Path) -> Path:
    editor = ModelEditor()
    editor.replace_image_input(
        "uint8", [1, SIDE, SIDE, 3], lambda image: _bytes_to_default(editor, image)
    )
    rows = editor.add_nms_rows()
    _yxyx_boxes(editor, rows, "detection_boxes")
    editor.squeeze(editor.slice(rows, 4, 5), 2, name="detection_scores")
    class_ids = editor.squeeze(editor.slice(rows, 5, 6), 2)
    editor.add_node("Add", class_ids, editor.number(1), name="detection_classes")
    editor.rename(editor.constant(np.array([ROWS], np.float32)), "num_detections")
    editor.set_outputs(
        detection_boxes=("float32", [1, ROWS, 4]),
        detection_classes=("float32", [1, ROWS]),
        detection_scores=("float32", [1, ROWS]),
        num_detections=("float32", [1]),
    )
    return editor.save(path, preprocess={"resize": "letterbox"})


def tflite(path: Path) -> Path:
    editor = ModelEditor()
    editor.replace_image_input(
        "float32",
        [1, SIDE, SIDE, 3],
        lambda image: _minus_1_to_1_to_default(editor, image),
    )
    rows = editor.add_nms_rows()
    boxes, classes, scores, count = (f"StatefulPartitionedCall:{index}" for index in range(4))
    _yxyx_boxes(editor, rows, boxes)
    editor.squeeze(editor.slice(rows, 5, 6), 2, name=classes)
    editor.squeeze(editor.slice(rows, 4, 5), 2, name=scores)
    editor.rename(editor.constant(np.array([ROWS], np.float32)), count)
    outputs: TensorTypes = {
        classes: ("float32", [1, ROWS]),
        count: ("float32", [1]),
        boxes: ("float32", [1, ROWS, 4]),
        scores: ("float32", [1, ROWS]),
    }
    editor.set_outputs(**outputs)
    return editor.save(path, preprocess={"resize": "letterbox"})


def ssd(path: Path) -> Path:
    editor = ModelEditor()
    editor.replace_image_input(
        "float32", [1, 3, SIDE, SIDE], lambda image: _ssd_image_to_default(editor, image)
    )
    editor.rename(editor.to_relative(editor.boxes), "boxes")
    background = editor.constant(np.zeros((1, ANCHORS, 1), np.float32))
    editor.add_node("Concat", background, editor.scores, axis=2, name="scores")
    editor.set_outputs(
        boxes=("float32", [1, ANCHORS, 4]), scores=("float32", [1, ANCHORS, CLASSES + 1])
    )
    return editor.save(path, preprocess={"resize": "letterbox", "padding": 114})


def _save_queries(
    editor: ModelEditor, path: Path, rows: str, boxes: str, logits: tuple[str, int]
) -> Path:
    """Save a model of the DETR kind: logits, with a name and a width, and boxes with a name."""
    editor.rename(_relative_centred_boxes(editor, rows), boxes)
    logits_name, columns = logits
    outputs: TensorTypes = {
        logits_name: ("float32", [1, ROWS, columns]),
        boxes: ("float32", [1, ROWS, 4]),
    }
    editor.set_outputs(**outputs)
    return editor.save(path, preprocess={**DEFAULT_LETTERBOX, "mean": [0, 0, 0], "std": [1, 1, 1]})


def _save_without_batch(
    editor: ModelEditor, path: Path, names: tuple[str, str, str], **card: object
) -> Path:
    """Save a model with N x 4 boxes, N scores and N labels from 1, with these names."""
    boxes, scores, class_ids = editor.add_nms()
    boxes_name, scores_name, labels_name = names
    editor.rename(boxes, boxes_name)
    editor.squeeze(scores, 1, name=scores_name)
    first_class_id = editor.constant(np.array(1))
    editor.add_node("Add", editor.squeeze(class_ids, 1), first_class_id, name=labels_name)
    outputs: TensorTypes = {
        boxes_name: ("float32", ["n", 4]),
        scores_name: ("float32", ["n"]),
        labels_name: ("int64", ["n"]),
    }
    editor.set_outputs(**outputs)
    return editor.save(path, **card)


def _class_scores(editor: ModelEditor, rows: str) -> str:
    """Return a score for each class from rows of x1 y1 x2 y2, score, class id."""
    class_ids = editor.squeeze(editor.slice(rows, 5, 6), 2)
    depth = editor.constant(np.array(CLASSES))
    off_and_on = editor.constant(np.array([0, 1], np.float32))
    one_hot = editor.add_node(
        "OneHot", editor.add_node("Cast", class_ids, to=TensorProto.INT64), depth, off_and_on
    )
    return editor.add_node("Mul", one_hot, editor.slice(rows, 4, 5))


def _logits(editor: ModelEditor, probabilities: str) -> str:
    probabilities = _clip_probabilities(editor, probabilities)
    complements = editor.add_node("Sub", editor.number(1), probabilities)
    return editor.add_node("Log", editor.add_node("Div", probabilities, complements))


def _clip_probabilities(editor: ModelEditor, probabilities: str) -> str:
    """Keep probabilities away from 0 and 1, whose logits are infinite."""
    return editor.add_node("Clip", probabilities, editor.number(1e-7), editor.number(1 - 1e-6))


def _relative_centred_boxes(editor: ModelEditor, rows: str) -> str:
    """Return relative cx cy w h from rows of x1 y1 x2 y2, score, class id."""
    corners = editor.to_relative(editor.slice(rows, 0, 4))
    low, high = editor.slice(corners, 0, 2), editor.slice(corners, 2, 4)
    centre = editor.add_node("Mul", editor.add_node("Add", low, high), editor.number(0.5))
    return editor.add_node("Concat", centre, editor.add_node("Sub", high, low), axis=2)


def _yxyx_boxes(editor: ModelEditor, rows: str, name: str) -> str:
    """Return relative y1 x1 y2 x2 from rows of x1 y1 x2 y2, score, class id."""
    corners = editor.to_relative(editor.slice(rows, 0, 4))
    return editor.add_node("Gather", corners, editor.integers(1, 0, 3, 2), axis=2, name=name)


# The default model's input is 1 x 3 x 300 x 300, RGB, 0 to 1.


def _bgr_to_default(editor: ModelEditor, image: str) -> str:
    rgb = editor.add_node("Gather", image, editor.integers(2, 1, 0), axis=1)
    return editor.add_node("Div", rgb, editor.number(255))


def _bgr_minus_mean_to_default(editor: ModelEditor, image: str) -> str:
    mean = editor.constant(np.array(MEAN_BGR, np.float32).reshape(3, 1, 1))
    pixels = editor.add_node("Add", image, mean)
    return _bgr_to_default(editor, editor.add_node("Unsqueeze", pixels, editor.integers(0)))


def _bytes_to_default(editor: ModelEditor, image: str) -> str:
    pixels = editor.add_node("Cast", image, to=TensorProto.FLOAT)
    channels_first = editor.add_node("Transpose", pixels, perm=[0, 3, 1, 2])
    return editor.add_node("Div", channels_first, editor.number(255))


def _ssd_image_to_default(editor: ModelEditor, image: str) -> str:
    scaled = editor.add_node("Mul", image, editor.number(128))
    pixels = editor.add_node("Add", scaled, editor.number(127))
    return editor.add_node("Div", pixels, editor.number(255))


def _minus_1_to_1_to_default(editor: ModelEditor, image: str) -> str:
    values = editor.add_node("Add", image, editor.number(1))
    scaled = editor.add_node("Div", values, editor.number(2))
    return editor.add_node("Transpose", scaled, perm=[0, 3, 1, 2])
