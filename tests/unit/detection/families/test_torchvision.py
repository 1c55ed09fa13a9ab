"""torchvision's boxes, labels and scores, and those of maskrcnn-benchmark, which look alike."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.detection.families import torchvision
from pipeline.detection.graph import Graph, Shape, TensorInfo
from tests.support.graphs import LIST, PICTURE, array, decoded, floats, known

OUTPUTS = (*floats(("2764", (None, 4)), ("2765", (None,))), TensorInfo("2766", "int64", (None,)))

RCNN = {"roi_heads.box_predictor.cls_score.bias": (4,), "rpn.head.cls_logits.bias": (3,)}
RETINANET = {
    "head.classification_head.cls_logits.bias": (36,),
    "head.regression_head.bbox_reg.bias": (36,),
}
FCOS = {
    "head.classification_head.cls_logits.bias": (4,),
    "head.regression_head.bbox_reg.bias": (4,),
}
SSD = {
    "head.classification_head.module_list.0.bias": (16,),
    "head.regression_head.module_list.0.bias": (16,),
}
SSDLITE = {
    "head.classification_head.module_list.0.1.bias": (24,),
    "head.regression_head.module_list.0.1.bias": (24,),
}


@pytest.mark.parametrize(
    ("weights", "labels", "classes", "first"),
    [
        (RCNN, None, 3, 1),
        (SSD, None, 3, 1),
        (SSDLITE, None, 3, 1),
        # They score each class for itself: whether the first is the background, labels tell.
        (RETINANET, None, 4, 0),
        (FCOS, 4, 4, 0),
        (FCOS, 3, 3, 1),
        ({}, None, None, 1),
    ],
)
def test_classes_are_counted_in_the_weights(
    weights: dict[str, Shape], labels: int | None, classes: int | None, first: int
) -> None:
    family, spec = known([LIST], OUTPUTS, weights=weights, label_count=labels)
    assert family == "torchvision"
    assert (spec.class_count, spec.first_class_id) == (classes, first)


def test_rows_from_the_threshold_on() -> None:
    _, spec = known([LIST], OUTPUTS)
    assert spec.outputs == ("2764", "2766", "2765")
    boxes, ids, scores = array([[1, 2, 3, 4], [5, 6, 7, 8]]), np.array([1, 2]), array([0.3, 0.6])
    assert decoded(spec, boxes, ids, scores) == [([5, 6, 7, 8], 0.6, 2)]
    assert not spec.needs_nms


def test_the_graph_scales_a_picture_of_a_free_size() -> None:
    assert known([LIST], OUTPUTS)[1].preprocess.resize == "none"
    wanted = known([replace(LIST, shape=(3, 320, 416))], OUTPUTS)[1].preprocess
    assert (wanted.resize, wanted.width, wanted.height) == ("stretch", 416, 320)
    assert (wanted.colour, wanted.scale) == ("rgb", 1 / 255)


def test_halves() -> None:
    half = [replace(port, type="float16") if port.type == "float32" else port for port in OUTPUTS]
    family, spec = known([replace(LIST, type="float16")], half)
    assert family == "torchvision"
    boxes, ids = np.array([[1, 2, 3, 4]], np.float16), np.array([1])
    assert decoded(spec, boxes, ids, np.array([0.5], np.float16)) == [([1, 2, 3, 4], 0.5, 1)]


@pytest.mark.parametrize(
    ("inputs", "outputs", "weights"),
    [
        ((LIST, PICTURE), OUTPUTS, {}),
        ((LIST,), OUTPUTS[:2], {}),
        # Detectron2, which takes its pictures otherwise, with and without its layers' names.
        ((LIST,), (*OUTPUTS, TensorInfo("size", "int64", (2,))), {}),
        ((LIST,), OUTPUTS, {"proposal_generator.rpn_head.conv.bias": (256,)}),
    ],
)
def test_others_are_none(
    inputs: tuple[TensorInfo, ...],
    outputs: tuple[TensorInfo, ...],
    weights: dict[str, tuple[int, ...]],
) -> None:
    assert torchvision.recognise(Graph(inputs, outputs, weights=weights)) is None


@pytest.mark.parametrize(
    ("boxes", "weights", "classes"),
    [
        ("6379", {}, 80),
        ("6568", {}, 80),
        ("boxes", {"roi_heads.box.predictor.cls_score.bias": (4,)}, 3),
    ],
)
def test_maskrcnn_benchmark_takes_its_mean_off(
    boxes: str, weights: dict[str, Shape], classes: int
) -> None:
    ports = (*floats((boxes, (None, 4)), ("6383", (None,))), TensorInfo("6381", "int64", (None,)))
    family, spec = known([LIST], ports, weights=weights)
    assert (family, spec.class_count) == ("maskrcnn-benchmark", classes)
    assert (spec.outputs, spec.first_class_id) == ((boxes, "6381", "6383"), 1)
    wanted = spec.preprocess
    assert (wanted.resize, wanted.step, wanted.colour) == ("keep-ratio", 32, "bgr")
    assert (wanted.scale, wanted.mean) == (1, (102.9801, 115.9465, 122.7717))
    assert wanted.placement(1920, 1080).canvas == (1440, 800)
