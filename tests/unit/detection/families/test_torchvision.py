"""The families `torchvision` and `maskrcnn-benchmark`, whose outputs look alike."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.detection.families import torchvision
from pipeline.detection.graph import Graph, Shape, TensorInfo
from tests.support.graphs import (
    IMAGE_640,
    IMAGE_WITHOUT_BATCH,
    decode,
    float_array,
    float_tensors,
    recognise,
)

OUTPUTS = (
    *float_tensors(("2764", (None, 4)), ("2765", (None,))),
    TensorInfo("2766", "int64", (None,)),
)

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
    ("weights", "labels", "class_count", "first_class_id"),
    [
        (RCNN, None, 3, 1),
        (SSD, None, 3, 1),
        (SSDLITE, None, 3, 1),
        # With a sigmoid for each class, labels show whether class 0 is the background.
        (RETINANET, None, 4, 0),
        (FCOS, 4, 4, 0),
        (FCOS, 3, 3, 1),
        ({}, None, None, None),
    ],
)
def test_the_weights_show_the_number_of_classes(
    weights: dict[str, Shape],
    labels: int | None,
    class_count: int | None,
    first_class_id: int | None,
) -> None:
    family, spec = recognise([IMAGE_WITHOUT_BATCH], OUTPUTS, weights=weights, label_count=labels)
    assert family == "torchvision"
    assert (spec.class_count, spec.first_class_id) == (class_count, first_class_id)


def test_boxes_labels_and_scores_are_found_by_type_and_shape() -> None:
    _, spec = recognise([IMAGE_WITHOUT_BATCH], OUTPUTS)
    assert spec.outputs == ("2764", "2766", "2765")
    boxes = float_array([[1, 2, 3, 4], [5, 6, 7, 8]])
    class_ids, scores = np.array([1, 2]), float_array([0.3, 0.6])
    assert decode(spec, boxes, class_ids, scores) == [([5, 6, 7, 8], 0.6, 2)]
    assert not spec.needs_nms


def test_only_an_input_of_a_fixed_size_gets_a_resized_image() -> None:
    assert recognise([IMAGE_WITHOUT_BATCH], OUTPUTS)[1].preprocess.resize == "none"
    fixed = replace(IMAGE_WITHOUT_BATCH, shape=(3, 320, 416))
    preprocess = recognise([fixed], OUTPUTS)[1].preprocess
    assert (preprocess.resize, preprocess.width, preprocess.height) == ("stretch", 416, 320)
    assert (preprocess.colour, preprocess.scale) == ("rgb", 1 / 255)


def test_float16_outputs_are_decoded() -> None:
    half = [
        replace(tensor, type="float16") if tensor.type == "float32" else tensor
        for tensor in OUTPUTS
    ]
    family, spec = recognise([replace(IMAGE_WITHOUT_BATCH, type="float16")], half)
    assert family == "torchvision"
    boxes, class_ids = np.array([[1, 2, 3, 4]], np.float16), np.array([1])
    scores = np.array([0.5], np.float16)
    assert decode(spec, boxes, class_ids, scores) == [([1, 2, 3, 4], 0.5, 1)]


@pytest.mark.parametrize(
    ("inputs", "outputs", "weights"),
    [
        ((IMAGE_WITHOUT_BATCH, IMAGE_640), OUTPUTS, {}),
        ((IMAGE_WITHOUT_BATCH,), OUTPUTS[:2], {}),
        # Detectron2, whose preprocessing differs, by its outputs and by its layers' names.
        ((IMAGE_WITHOUT_BATCH,), (*OUTPUTS, TensorInfo("size", "int64", (2,))), {}),
        ((IMAGE_WITHOUT_BATCH,), OUTPUTS, {"proposal_generator.rpn_head.conv.bias": (256,)}),
    ],
)
def test_other_inputs_outputs_and_detectron2_are_not_recognised(
    inputs: tuple[TensorInfo, ...],
    outputs: tuple[TensorInfo, ...],
    weights: dict[str, tuple[int, ...]],
) -> None:
    assert torchvision.recognise(Graph(inputs, outputs, weights=weights)) is None


@pytest.mark.parametrize(
    ("boxes", "weights", "class_count"),
    [
        ("6379", {}, 80),
        ("6568", {}, 80),
        ("boxes", {"roi_heads.box.predictor.cls_score.bias": (4,)}, 3),
    ],
)
def test_maskrcnn_benchmark_is_recognised_by_names(
    boxes: str, weights: dict[str, Shape], class_count: int
) -> None:
    tensors = (
        *float_tensors((boxes, (None, 4)), ("6383", (None,))),
        TensorInfo("6381", "int64", (None,)),
    )
    family, spec = recognise([IMAGE_WITHOUT_BATCH], tensors, weights=weights)
    assert (family, spec.class_count) == ("maskrcnn-benchmark", class_count)
    assert (spec.outputs, spec.first_class_id) == ((boxes, "6381", "6383"), 1)
    preprocess = spec.preprocess
    assert (preprocess.resize, preprocess.step, preprocess.colour) == ("keep-ratio", 32, "bgr")
    assert (preprocess.scale, preprocess.mean) == (1, (102.9801, 115.9465, 122.7717))
    assert preprocess.placement(1920, 1080).input_size == (1440, 800)
