"""Each family: the signature it is known by, and boxes read from outputs whose answer is known."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from pipeline.detection.families import FAMILIES
from pipeline.detection.families.family import Reading
from pipeline.detection.families.focal import boxes_around
from pipeline.detection.families.grids import cells_of, strides_of
from pipeline.detection.graph import Graph, Port, Shape
from pipeline.detection.recognise import recognise, unrecognised
from pipeline.detection.unfit import UnfitError

Ports = Sequence[tuple[str, str, Shape | None]]

SQUARE: Ports = [("images", "float32", (1, 3, 640, 640))]
FREE: Ports = [("x", "float32", (1, 3, None, None))]
LIST: Ports = [("image", "float32", (3, None, None))]
BYTES: Ports = [("image_tensor:0", "uint8", (1, None, None, 3))]
SIZED: Ports = [*SQUARE, ("orig_target_sizes", "int64", (1, 2))]
SMALL: Ports = [("image", "float32", (1, 3, 416, 416))]

TF_NAMES = ("detection_boxes", "detection_classes", "detection_scores", "num_detections")
TFLITE = "TFLite_Detection_PostProcess"
GRIDS = (2704, 676, 169, 49)


def outputs(*ports: tuple[str, Shape | None]) -> Ports:
    return [(name, "float32", shape) for name, shape in ports]


def queries(count: int, columns: int) -> Ports:
    return outputs(("logits", (1, count, columns)), ("pred_boxes", (1, count, 4)))


def graph(inputs: Ports, given: Ports, **more: Any) -> Graph:  # noqa: ANN401 - Graph's own
    return Graph(
        tuple(Port(*port) for port in inputs), tuple(Port(*port) for port in given), **more
    )


def read(inputs: Ports, given: Ports, **more: Any) -> tuple[str, Reading]:  # noqa: ANN401 - same
    known = recognise(graph(inputs, given, **more))
    assert known is not None
    return known[0].name, known[1]


def floats(values: object) -> NDArray[np.float32]:
    return np.array(values, dtype=np.float32)


RTDETR = [
    ("labels", "int64", (1, 300)),
    ("boxes", "float32", (1, 300, 4)),
    ("scores", "float32", (1, 300)),
]
TORCHVISION = [
    ("2764", "float32", (None, 4)),
    ("2765", "float32", (None,)),
    ("2766", "int64", (None,)),
]


@pytest.mark.parametrize(
    ("family", "inputs", "given", "more"),
    [
        ("ultralytics", SQUARE, outputs(("output0", (1, 84, 8400))), {}),
        ("ultralytics", SQUARE, outputs(("output0", (1, 6, 8400))), {}),
        ("yolov5", SQUARE, outputs(("output0", (1, 25200, 85))), {}),
        ("yolov5", SQUARE, outputs(("output0", (1, 25200, 6))), {"label_count": 1}),
        ("yolov5", SQUARE, outputs(("output", (1, 25200, 85)), ("1", (1, 3, 80, 80, 85))), {}),
        ("yolov5", SQUARE, outputs(("outputs", (1, 8400, 85))), {}),
        ("yolox", SQUARE, outputs(("output", (1, 8400, 85))), {}),
        ("yolox", SMALL, outputs(("output", (1, 3549, 6))), {}),
        ("end-to-end", SQUARE, outputs(("output0", (1, 300, 6))), {}),
        ("end-to-end", SQUARE, outputs(("o", (1, 300, 38))), {"metadata": {"task": "segment"}}),
        ("end-to-end", SQUARE, outputs(("output", (None, 7))), {}),
        (
            "efficient-nms",
            SQUARE,
            outputs(
                ("num_dets", (1, 1)),
                ("det_boxes", (1, 100, 4)),
                ("det_scores", (1, 100)),
                ("det_classes", (1, 100)),
            ),
            {},
        ),
        ("rtdetr", SIZED, RTDETR, {}),
        ("detr", FREE, queries(100, 92), {}),
        ("detr", FREE, queries(9, 4), {"label_count": 3}),
        ("detr-sigmoid", SQUARE, queries(300, 80), {}),
        ("detr-sigmoid", SQUARE, outputs(("dets", (1, 300, 4)), ("labels", (1, 300, 91))), {}),
        ("torchvision", LIST, TORCHVISION, {}),
        ("torchvision", LIST, [*TORCHVISION, ("masks", "float32", (None, 1, None, None))], {}),
        ("tensorflow", BYTES, outputs(*((f"{name}:0", None) for name in TF_NAMES)), {}),
        (
            "tensorflow",
            BYTES,
            outputs(*((f"{TFLITE}{end}", None) for end in ("", ":1", ":2", ":3"))),
            {},
        ),
        ("nanodet", SMALL, outputs(("output", (1, 3598, 112))), {}),
        (
            "picodet",
            SMALL,
            outputs(*((f"{n}{c}", (1, n, c)) for c in (32, 80) for n in GRIDS)),
            {},
        ),
        ("ssd", SMALL, outputs(("scores", (1, 3000, 21)), ("boxes", (1, 3000, 4))), {}),
    ],
)  # fmt: skip
def test_signatures(family: str, inputs: Ports, given: Ports, more: dict[str, Any]) -> None:
    assert read(inputs, given, **more)[0] == family


@pytest.mark.parametrize(
    "given",
    [
        outputs(("logits", (1, 1000))),
        outputs(("output", (1, 32, 160, 160))),
        outputs(("output", None)),
        outputs(("boxes", (1, 10, 4)), ("scores", (1, 12, 3))),
    ],
)
def test_what_is_no_detector_is_told_what_would_be(given: Ports) -> None:
    unknown = graph(SQUARE, given)
    assert recognise(unknown) is None
    message = str(unrecognised(unknown, None))
    assert str(Port(*given[0])) in message
    assert all(family.name in message for family in FAMILIES)
    assert 'card says family = "yolox"' in str(unrecognised(unknown, "yolox"))


def test_a_family_that_does_not_exist() -> None:
    with pytest.raises(UnfitError, match="its card names the family 'yolo'; there are tensorflow"):
        recognise(graph(SQUARE, RTDETR), "yolo")


def objects(
    reading: Reading, *values: NDArray[Any], size: tuple[int, int] = (640, 640)
) -> list[Any]:
    found = reading.decode(values, 0.4, size)
    assert [found.boxes.dtype.name, found.class_ids.dtype.name] == ["float32", "int64"]
    return [
        ([round(side, 3) for side in box], round(score, 4), class_id)
        for box, score, class_id in zip(
            found.boxes.tolist(), found.scores.tolist(), found.class_ids.tolist(), strict=True
        )
    ]


def test_yolov5_scores_are_products() -> None:
    rows = np.zeros((1, 25200, 7), dtype=np.float32)
    rows[0, 5] = (50, 40, 20, 10, 0.9, 0.1, 0.5)
    rows[0, 6] = (50, 40, 20, 10, 0.5, 0.1, 0.7)
    rows[0, 7] = (50, 40, 20, 10, 0.3, 1.0, 1.0)
    _, reading = read(SQUARE, outputs(("output0", rows.shape)))
    assert objects(reading, rows) == [([40, 35, 60, 45], 0.45, 1)]


@pytest.mark.parametrize("decoded", [True, False])
def test_yolox_in_cells_and_in_pixels(decoded: bool) -> None:  # noqa: FBT001 - a parameter
    rows = np.zeros((1, 3549, 7), dtype=np.float32)
    # The second cell of the second row of the grid of 16 pixels.
    cell = 52 * 52 + 26 + 1
    rows[0, :, 0] = 400 if decoded else 0.5  # what others, at the right, have
    rows[0, cell, 4:] = (0.8, 0.0, 1.0)
    rows[0, cell, :4] = (24, 20, 32, 16) if decoded else (0.5, 0.25, np.log(2), 0)
    _, reading = read(SMALL, outputs(("output", rows.shape)))
    assert objects(reading, rows, size=(416, 416)) == [([8, 12, 40, 28], 0.8, 1)]
    assert (reading.preprocess.resize, reading.preprocess.colour) == ("top-left", "bgr")


def test_end_to_end_rows() -> None:
    rows = np.zeros((1, 300, 6), dtype=np.float32)
    rows[0, :2] = (1, 2, 3, 4, 0.9, 7), (1, 2, 3, 4, 0.3, 7)
    _, reading = read(SQUARE, outputs(("output0", rows.shape)))
    assert objects(reading, rows) == [([1, 2, 3, 4], 0.9, 7)]
    assert not reading.suppress
    assert len(reading.decode([rows], 0.0, (640, 640))) == 2  # the rest is padding
    _, reading = read(SQUARE, outputs(("output", (None, 7))))
    assert objects(reading, floats([[0, 1, 2, 3, 4, 7, 0.9], [1, 1, 2, 3, 4, 7, 0.9]])) == [
        ([1, 2, 3, 4], 0.9, 7)
    ]


def test_efficient_nms_reads_as_many_as_there_are() -> None:
    names = ("num_dets", "det_boxes", "det_scores", "det_classes")
    _, reading = read(SQUARE, outputs(*((name, (1, 2)) for name in names)))
    boxes, scores, ids = floats([[[1, 2, 3, 4]] * 2]), floats([[0.5, 0.9]]), np.array([[3, 5]])
    assert objects(reading, np.array([[1]]), boxes, scores, ids) == [([1, 2, 3, 4], 0.5, 3)]


def test_rtdetr_rows_and_the_classes_its_encoder_scores() -> None:
    weights = {"model.decoder.enc_score_head.bias": (80,)}
    _, reading = read(SIZED, RTDETR, weights=weights)
    assert reading.class_count == 80
    assert reading.preprocess.filter == "antialias"
    boxes, scores = floats([[[1, 2, 3, 4], [5, 6, 7, 8]]]), floats([[0.9, 0.1]])
    assert objects(reading, np.array([[3, 4]]), boxes, scores) == [([1, 2, 3, 4], 0.9, 3)]
    assert read(SIZED, RTDETR)[1].class_count is None


def test_detr_leaves_no_object_out() -> None:
    _, reading = read(FREE, outputs(("logits", (1, 2, 92)), ("pred_boxes", (1, 2, 4))))
    logits = np.zeros((1, 2, 92), dtype=np.float32)
    logits[0, 0, 17] = logits[0, 1, 91] = 100
    boxes = floats([[[0.5, 0.5, 0.2, 0.1], [0.5, 0.5, 1, 1]]])
    assert objects(reading, logits, boxes, size=(1000, 500)) == [([400, 225, 600, 275], 1, 17)]
    assert (reading.preprocess.resize, reading.class_count) == ("keep-ratio", 91)


def test_a_query_may_be_of_two_classes() -> None:
    ports = outputs(("dets", (1, 3, 4)), ("labels", (1, 3, 4)))
    _, reading = read(SQUARE, ports)
    logits = floats([[[5, -5, 4, -5], [-5, -5, -5, -5], [-5, -5, -5, 3]]])
    boxes = floats([[[0.5, 0.5, 0.5, 0.5]] * 3])
    found = objects(reading, logits, boxes, size=(100, 200))
    assert [(score, class_id) for _, score, class_id in found] == [
        (0.9933, 0), (0.982, 2), (0.9526, 3),
    ]  # fmt: skip
    assert found[0][0] == [25, 50, 75, 150]


def test_rtdetr_of_transformers_is_not_normalised() -> None:
    ports = outputs(("logits", (1, 300, 3)), ("pred_boxes", (1, 300, 4)))
    _, reading = read(SQUARE, ports, weights={"m.model.enc_score_head.bias": (3,)})
    assert (reading.preprocess.mean, reading.class_count) == ((0, 0, 0), 3)
    assert read(SQUARE, ports)[1].preprocess.mean != (0, 0, 0)


@pytest.mark.parametrize(
    ("weights", "classes"),
    [
        ({"roi_heads.box_predictor.cls_score.bias": (91,)}, 90),
        ({"head.cls_logits.bias": (819,), "head.bbox_reg.bias": (36,)}, 90),
        ({}, None),
    ],
)
def test_torchvision_by_types(weights: dict[str, tuple[int, ...]], classes: int | None) -> None:
    _, reading = read(LIST, TORCHVISION, weights=weights)
    assert (reading.class_count, reading.first_class_id) == (classes, 1)
    assert reading.outputs == ("2764", "2766", "2765")
    assert reading.preprocess.resize == "none"
    boxes, ids, scores = floats([[1, 2, 3, 4], [5, 6, 7, 8]]), np.array([1, 2]), floats([0.3, 0.6])
    assert objects(reading, boxes, ids, scores) == [([5, 6, 7, 8], 0.6, 2)]


def test_tensorflow_has_y_first() -> None:
    names = outputs(*((name, None) for name in TF_NAMES))
    _, reading = read(BYTES, names, weights={"BoxPredictor_0/biases": (273,)})
    boxes = floats([[[0.1, 0.2, 0.3, 0.4], [0, 0, 1, 1]]])
    given = (boxes, floats([[18, 1]]), floats([[0.9, 0.9]]), floats([1]))
    assert objects(reading, *given, size=(1000, 500)) == [([200, 50, 400, 150], 0.9, 18)]
    assert (reading.class_count, reading.first_class_id) == (90, 1)
    scores = ("raw_detection_scores", "float32", (1, 1917, 4))
    assert read(BYTES, [*names, scores])[1].class_count == 3
    assert read(BYTES, names)[1].class_count is None


def peaks(*bins: int) -> NDArray[np.float32]:
    """Return logits that say for certain that the sides are so many cells away."""
    logits = np.full((4, 8), -50, dtype=np.float32)
    logits[np.arange(4), bins] = 50
    return logits.ravel()


def test_distances_are_means() -> None:
    even = np.zeros((1, 32), dtype=np.float32)
    box = boxes_around(floats([[100, 50]]), floats([[8]]), even)
    assert box.tolist() == [[100 - 28, 50 - 28, 100 + 28, 50 + 28]]


def test_nanodet_plus_cells_are_at_their_corner() -> None:
    rows = np.zeros((1, 3598, 112), dtype=np.float32)
    rows[0, 53, 2] = 0.7
    rows[0, 53, 80:] = peaks(1, 0, 2, 3)
    _, reading = read(SMALL, outputs(("output", rows.shape)))
    assert objects(reading, rows, size=(416, 416)) == [([0, 8, 24, 32], 0.7, 2)]


def test_picodet_cells_are_at_their_middle() -> None:
    scores = [np.zeros((1, rows, 80), dtype=np.float32) for rows in GRIDS]
    sides = [np.zeros((1, rows, 32), dtype=np.float32) for rows in GRIDS]
    scores[1][0, 27, 5] = 0.6
    sides[1][0, 27] = peaks(1, 1, 1, 1)
    ports = outputs(*((f"{c}-{n}", (1, n, c)) for n in reversed(GRIDS) for c in (80, 32)))
    _, reading = read(SMALL, ports)
    assert reading.outputs[:2] == ("80-2704", "80-676")
    assert reading.outputs[4:6] == ("32-2704", "32-676")
    assert objects(reading, *scores, *sides, size=(416, 416)) == [([8, 8, 40, 40], 0.6, 5)]


def test_ssd_leaves_the_background_out() -> None:
    _, reading = read(SMALL, outputs(("boxes", (1, 2, 4)), ("scores", (1, 2, 3))))
    boxes = floats([[[0.1, 0.2, 0.3, 0.4], [0, 0, 1, 1]]])
    scores = floats([[[0.1, 0.2, 0.7], [0.9, 0.05, 0.05]]])
    assert objects(reading, boxes, scores, size=(100, 200)) == [([10, 40, 30, 80], 0.7, 2)]
    assert reading.suppress


def test_grids() -> None:
    assert strides_of(8400, (640, 640)) == (8, 16, 32)
    assert strides_of(3598, (416, 416)) == (8, 16, 32, 64)
    assert strides_of(8401, (640, 640)) is None
    places, widths = cells_of((64, 32), (8, 16))
    assert places[:9].tolist()[-2:] == [[7, 0], [0, 1]]
    assert widths.ravel().tolist() == [8] * 32 + [16] * 8
