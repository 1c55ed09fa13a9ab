"""The family that recognises a graph, and the errors for graphs that no family recognises."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from pipeline.detection.graph import Graph, TensorInfo
from pipeline.detection.registry import recognise_family, unrecognised_error
from pipeline.detection.unsupported import UnsupportedModelError
from tests.support.graphs import (
    IMAGE_96,
    IMAGE_416,
    IMAGE_640,
    IMAGE_OF_BYTES,
    IMAGE_OF_FREE_SIZE,
    IMAGE_WITHOUT_BATCH,
    float_tensors,
    recognise,
)

Tensors = Sequence[TensorInfo]

IMAGE_AND_SIZE = (IMAGE_640, TensorInfo("orig_target_sizes", "int64", (1, 2)))
LABELS, SCORES = TensorInfo("labels", "int64", (1, 300)), TensorInfo("scores", "float32", (1, 300))
RTDETR = (LABELS, *float_tensors(("boxes", (1, 300, 4))), SCORES)
TORCHVISION = (
    *float_tensors(("2764", (None, 4)), ("2765", (None,))),
    TensorInfo("2766", "int64", (None,)),
)
TENSORFLOW = ("detection_boxes:0", "detection_classes:0", "detection_scores:0", "num_detections:0")
EFFICIENT_NMS = float_tensors(
    ("num_dets", (1, 1)),
    ("det_boxes", (1, 100, 4)),
    ("det_scores", (1, 100)),
    ("det_classes", (1, 100)),
)
SSD = float_tensors(("scores", (1, 3000, 21)), ("boxes", (1, 3000, 4)))
GRIDS = (2704, 676, 169, 49)


def queries(count: int, columns: int) -> Tensors:
    return float_tensors(("logits", (1, count, columns)), ("pred_boxes", (1, count, 4)))


@pytest.mark.parametrize(
    ("family", "inputs", "outputs", "fields"),
    [
        ("ultralytics", [IMAGE_640], float_tensors(("output0", (1, 84, 8400))), {}),
        ("ultralytics", [IMAGE_640], float_tensors(("output0", (1, 6, 8400))), {}),
        ("yolov5", [IMAGE_640], float_tensors(("output0", (1, 25200, 85))), {}),
        ("yolov5", [IMAGE_640], float_tensors(("output0", (1, 25200, 6))), {"label_count": 1}),
        (
            "yolov5",
            [IMAGE_640],
            float_tensors(("o", (1, 25200, 85)), ("1", (1, 3, 80, 80, 85))),
            {},
        ),
        ("yolov5", [IMAGE_640], float_tensors(("outputs", (1, 8400, 85))), {}),
        ("yolox", [IMAGE_640], float_tensors(("output", (1, 8400, 85))), {}),
        ("yolox", [IMAGE_416], float_tensors(("output", (1, 3549, 6))), {}),
        ("yolov5", [IMAGE_96], float_tensors(("output0", (1, 567, 6))), {"label_count": 1}),
        ("yolov5", [IMAGE_640], float_tensors(("o", (1, 1917, 85))), {"card_family": "yolov5"}),
        ("yolov5", [IMAGE_640], float_tensors(("output0", (1, 6000, 85))), {}),
        ("ultralytics", [IMAGE_640], float_tensors(("output0", (1, 8400, 7))), {"label_count": 3}),
        (
            "ultralytics",
            [IMAGE_640],
            float_tensors(("o", (1, 84, 1917))),
            {"metadata": {"stride": "32"}},
        ),
        ("ultralytics", [IMAGE_640], float_tensors(("o", (1, 84, 34000))), {}),
        ("end-to-end", [IMAGE_640], float_tensors(("output0", (1, 300, 6))), {}),
        ("end-to-end", [IMAGE_640], float_tensors(("output0", (1, 300, 6))), {"label_count": 2}),
        (
            "end-to-end",
            [IMAGE_640],
            float_tensors(("o", (1, 300, 38))),
            {"metadata": {"task": "segment"}},
        ),
        ("end-to-end", [IMAGE_640], float_tensors(("output", (None, 7))), {}),
        ("named-columns", [IMAGE_640], float_tensors(("label_xyxy_score", (1, 300, 6))), {}),
        ("efficient-nms", [IMAGE_640], EFFICIENT_NMS, {}),
        ("rtdetr", IMAGE_AND_SIZE, RTDETR, {}),
        ("detr", [IMAGE_OF_FREE_SIZE], queries(100, 92), {}),
        ("detr", [IMAGE_OF_FREE_SIZE], queries(9, 4), {"label_count": 3}),
        ("detr-sigmoid", [IMAGE_640], queries(300, 80), {}),
        (
            "rf-detr",
            [IMAGE_640],
            float_tensors(("dets", (1, 300, 4)), ("labels", (1, 300, 91))),
            {},
        ),
        ("torchvision", [IMAGE_WITHOUT_BATCH], TORCHVISION, {}),
        (
            "torchvision",
            [IMAGE_WITHOUT_BATCH],
            [*TORCHVISION, *float_tensors(("masks", (None, 1, None, None)))],
            {},
        ),
        ("tensorflow", [IMAGE_OF_BYTES], float_tensors(*((name, None) for name in TENSORFLOW)), {}),
        ("nanodet", [IMAGE_416], float_tensors(("output", (1, 3598, 112))), {}),
        ("nanodet", [IMAGE_416], float_tensors(("output", (1, 3598, 35))), {"label_count": 3}),
        ("nanodet", [IMAGE_OF_FREE_SIZE], float_tensors(("output", (1, 8500, 112))), {}),
        (
            "nanodet",
            [IMAGE_416],
            float_tensors(
                *((f"cls_pred_stride_{2704 // n}", (1, n, 80)) for n in GRIDS),
                *((f"dis_pred_stride_{2704 // n}", (1, n, 32)) for n in GRIDS),
            ),
            {},
        ),
        (
            "picodet",
            [IMAGE_416],
            float_tensors(*((f"{n}{c}", (1, n, c)) for c in (32, 80) for n in GRIDS)),
            {},
        ),
        ("ssd", [IMAGE_416], SSD, {"operators": frozenset({"Exp"})}),
        ("ssd", [IMAGE_416], SSD, {"card_family": "ssd"}),
        (
            "ultraface",
            [TensorInfo("input", "float32", (1, 3, 240, 320))],
            float_tensors(("scores", (1, 4420, 2)), ("boxes", (1, 4420, 4))),
            {},
        ),
    ],
)  # fmt: skip
def test_a_graph_is_recognised_by_its_family(
    family: str, inputs: Tensors, outputs: Tensors, fields: dict[str, Any]
) -> None:
    assert recognise(inputs, outputs, **fields)[0] == family


@pytest.mark.parametrize(
    "outputs",
    [
        float_tensors(("features", (1, 3136, 96))),
        float_tensors(("output", None)),
        float_tensors(("boxes", (1, 10, 4)), ("scores", (1, 12, 3))),
    ],
)
def test_the_error_for_an_unknown_graph_names_its_outputs_and_what_to_do(
    outputs: tuple[TensorInfo, ...],
) -> None:
    unknown = Graph((IMAGE_640,), outputs)
    assert recognise_family(unknown) is None
    error = str(unrecognised_error(unknown))
    assert str(outputs[0]) in error
    assert "`pretag model card` writes a card" in error
    assert 'card says family = "yolox"' in str(
        unrecognised_error(replace(unknown, card_family="yolox"))
    )


@pytest.mark.parametrize("task", ["obb", "classify"])
def test_a_model_for_another_task_is_refused_even_if_its_outputs_fit(task: str) -> None:
    outputs = float_tensors(("output0", (1, 84, 8400)))
    with pytest.raises(
        UnsupportedModelError, match=f"the task '{task}'.*Export a model for the task 'detect'"
    ):
        recognise_family(Graph((IMAGE_640,), outputs, {"task": task}))
    assert (
        recognise([IMAGE_640], outputs, metadata={"task": "object-detection"})[0] == "ultralytics"
    )


def test_a_card_with_an_unknown_family_is_refused() -> None:
    with pytest.raises(
        UnsupportedModelError,
        match=r'its card has family = "yolo", which does not exist\. Choose from .*yolox',
    ):
        recognise_family(Graph(IMAGE_AND_SIZE, RTDETR, card_family="yolo"))
