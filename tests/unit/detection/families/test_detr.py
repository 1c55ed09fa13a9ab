"""The families `detr` and `detr-sigmoid`: logits and boxes of queries."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.detection.families import detr, detr_sigmoid
from pipeline.detection.graph import Graph, TensorInfo
from pipeline.detection.preprocess import IMAGENET_MEAN, IMAGENET_STD
from tests.support.graphs import (
    IMAGE_640,
    IMAGE_OF_FREE_SIZE,
    decode,
    float_array,
    float_tensors,
    logit,
    recognise,
)

Weights = dict[str, tuple[int, ...]]

TRANSFORMERS_DETR: Weights = {"model.class_labels_classifier.bias": (4,)}
YOLOS: Weights = {"class_labels_classifier.layers.2.bias": (4,)}
DETR: Weights = {"class_embed.bias": (4,), "query_embed.weight": (100, 256)}
CONDITIONAL: Weights = {**TRANSFORMERS_DETR, "model.decoder.ref_point_head.layers.0.bias": (256,)}
DAB: Weights = {**TRANSFORMERS_DETR, "model.decoder.layers.0.ref_anchor_head.bias": (2,)}
DEFORMABLE: Weights = {
    "class_embed.0.bias": (4,),
    "model.decoder.layers.0.encoder_attn.sampling_offsets.bias": (256,),
}
RTDETR: Weights = {"model.enc_score_head.bias": (4,), "model.decoder.class_embed.5.bias": (4,)}


def outputs(queries: int | None, columns: int | None) -> tuple[TensorInfo, ...]:
    return float_tensors(("logits", (None, queries, columns)), ("pred_boxes", (None, queries, 4)))


@pytest.mark.parametrize(
    ("weights", "columns", "labels", "family", "class_count"),
    [
        (TRANSFORMERS_DETR, 4, None, "detr", 3),
        (YOLOS, 4, None, "detr", 3),
        (DETR, 4, None, "detr", 3),
        (CONDITIONAL, 4, None, "detr-sigmoid", 4),
        (DEFORMABLE, 4, None, "detr-sigmoid", 4),
        (DAB, 4, None, "detr-sigmoid", 4),
        (RTDETR, 4, None, "detr-sigmoid", 4),
        # The names of the weights count more than the number of labels.
        (TRANSFORMERS_DETR, 4, 4, "detr", 3),
        (RTDETR, 4, 3, "detr-sigmoid", 4),
        # Without such names, COCO's 91 category ids or the number of labels decide.
        ({}, 92, None, "detr", 91),
        ({}, 91, None, "detr-sigmoid", 91),
        ({}, 4, 3, "detr", 3),
        ({}, 4, 4, "detr-sigmoid", 4),
    ],
)
def test_weights_or_labels_show_whether_the_last_logit_is_no_object(
    weights: Weights, columns: int, labels: int | None, family: str, class_count: int
) -> None:
    name, spec = recognise(
        [IMAGE_OF_FREE_SIZE], outputs(100, columns), weights=weights, label_count=labels
    )
    assert (name, spec.class_count) == (family, class_count)


def test_an_input_of_a_free_size_keeps_the_proportions() -> None:
    preprocess = recognise([IMAGE_OF_FREE_SIZE], outputs(None, 92))[1].preprocess
    assert (preprocess.resize, preprocess.filter, preprocess.step) == (
        "keep-ratio", "antialias", None,
    )  # fmt: skip
    assert (preprocess.mean, preprocess.std) == (IMAGENET_MEAN, IMAGENET_STD)
    assert preprocess.placement(640, 480).input_size == (1066, 800)
    assert preprocess.placement(480, 1280).input_size == (500, 1333)


def test_yolos_gets_multiples_of_its_patches() -> None:
    preprocess = recognise([IMAGE_OF_FREE_SIZE], outputs(100, 4), weights=YOLOS)[1].preprocess
    assert (preprocess.resize, preprocess.step) == ("patches", 16)
    assert preprocess.placement(768, 576).input_size == (1056, 800)
    fixed = replace(IMAGE_640, shape=(1, 3, 512, 864))
    assert recognise([fixed], outputs(100, 4), weights=YOLOS)[1].preprocess.resize == "stretch"


def test_an_image_is_stretched_to_an_input_of_a_fixed_size() -> None:
    fixed = replace(IMAGE_640, shape=(1, 3, 512, 864))
    preprocess = recognise([fixed], outputs(100, 92))[1].preprocess
    assert (preprocess.resize, preprocess.width, preprocess.height) == ("stretch", 864, 512)


def test_rtdetr_in_transformers_has_the_preprocessing_of_rtdetr() -> None:
    preprocess = recognise([IMAGE_OF_FREE_SIZE], outputs(300, 4), weights=RTDETR)[1].preprocess
    assert (preprocess.resize, preprocess.width, preprocess.height) == ("stretch", 640, 640)
    assert (preprocess.mean, preprocess.filter) == ((0, 0, 0), "antialias")
    dinov3 = {**RTDETR, "model.conv_encoder.spatial_tuning_adapter.conv.weight": (64,)}
    _, spec = recognise([IMAGE_OF_FREE_SIZE], outputs(300, 4), weights=dinov3)
    assert spec.preprocess.mean == IMAGENET_MEAN


def test_rf_detr_in_transformers_interpolates_floats() -> None:
    weights = {**DEFORMABLE, "model.backbone.projector.projector_layer.conv1.weight": (64,)}
    family, spec = recognise([IMAGE_OF_FREE_SIZE], outputs(300, 91), weights=weights)
    assert (family, spec.preprocess.filter) == ("detr-sigmoid", "linear-float")
    assert spec.preprocess.mean == IMAGENET_MEAN


@pytest.mark.parametrize(("weights", "count"), [(DEFORMABLE, 100), (RTDETR, 200)])
def test_deformable_detr_returns_100_detections_and_rtdetr_one_for_each_query(
    weights: Weights, count: int
) -> None:
    logits = np.linspace(0, 4, 400, dtype=np.float32).reshape(1, 200, 2)
    boxes = np.full((1, 200, 4), 0.5, np.float32)
    spec = recognise([IMAGE_OF_FREE_SIZE], outputs(200, 2), weights=weights)[1]
    found = spec.decode([logits, boxes], 0.4, (640, 640))
    assert len(found) == count
    assert found.scores[0] == found.scores.max()


def test_other_inputs_and_outputs_are_ignored() -> None:
    mask = TensorInfo("pixel_mask", "int64", (None, 64, 64))
    others = float_tensors(("last_hidden_state", (None, 100, 256)), ("onnx::Shape_1", None))
    family, spec = recognise([IMAGE_OF_FREE_SIZE, mask], [*others, *reversed(outputs(100, 92))])
    assert (family, spec.outputs) == ("detr", ("logits", "pred_boxes"))


def test_outputs_without_names_are_found_by_their_shapes_and_the_weights() -> None:
    numbered = float_tensors(("3721", (1, 100, 4)), ("3720", (1, 100, 92)))
    weights = {"bbox_embed.layers.2.bias": (4,)}
    family, spec = recognise([IMAGE_640], numbered, weights=weights)
    assert (family, spec.outputs) == ("detr", ("3720", "3721"))
    assert detr_sigmoid.recognise(Graph((IMAGE_640,), numbered)) is None


def test_two_outputs_of_4_columns_without_names_are_not_recognised() -> None:
    alike = float_tensors(("3720", (1, 100, 4)), ("3721", (1, 100, 4)))
    weights = {"bbox_embed.layers.2.bias": (4,), **DETR}
    assert detr.recognise(Graph((IMAGE_640,), alike, weights=weights)) is None


@pytest.mark.parametrize(
    "tensors",
    [
        outputs(100, None),
        float_tensors(("logits", (1, 100, 92)), ("pred_boxes", (1, 300, 4))),
        float_tensors(("logits", (1, 92)), ("pred_boxes", (1, 4))),
        float_tensors(("logits", (1, 100, 92)), ("pred_masks", (1, 100, 200, 200))),
    ],
)
def test_unknown_sizes_and_other_outputs_are_not_recognised(
    tensors: tuple[TensorInfo, ...],
) -> None:
    graph = Graph((IMAGE_OF_FREE_SIZE,), tensors)
    assert detr.recognise(graph) is None
    assert detr_sigmoid.recognise(graph) is None


def test_detr_does_not_return_no_object() -> None:
    _, spec = recognise([IMAGE_OF_FREE_SIZE], outputs(3, 4), weights=TRANSFORMERS_DETR)
    # The softmax of log p is p.
    probabilities = [[0.1, 0.6, 0.2, 0.1], [0.1, 0.05, 0.05, 0.8], [0.4, 0.3, 0.2, 0.1]]
    logits = np.log(float_array([probabilities]))
    boxes = float_array([[[0.5, 0.5, 0.2, 0.1], [0.5, 0.5, 1, 1], [0.25, 0.5, 0.5, 1]]])
    assert decode(spec, logits, boxes, size=(1000, 500), score_threshold=0.39) == [
        ([400, 225, 600, 275], 0.6, 1),
        ([0, 0, 500, 500], 0.4, 0),
    ]
    assert decode(spec, logits, boxes, score_threshold=0.7) == []


def test_a_query_can_have_two_classes_but_there_are_no_more_detections_than_queries() -> None:
    _, spec = recognise([IMAGE_OF_FREE_SIZE], outputs(2, 3), weights=RTDETR)
    logits = float_array([[[logit(0.9), logit(0.1), logit(0.8)], [logit(0.1), logit(0.7), -200]]])
    boxes = float_array([[[0.5, 0.5, 0.5, 0.5], [0.5, 0.5, 1, 1]]])
    assert decode(spec, logits, boxes, size=(100, 200)) == [
        ([25, 50, 75, 150], 0.9, 0),
        ([25, 50, 75, 150], 0.8, 2),
    ]


def test_float16_boxes_keep_the_precision_of_pixels() -> None:
    half = [replace(tensor, type="float16") for tensor in outputs(1, 92)]
    _, spec = recognise([replace(IMAGE_OF_FREE_SIZE, type="float16")], half)
    logits = np.zeros((1, 1, 92), np.float16)
    logits[..., 3] = 12
    boxes = np.array([[[0.5, 0.5, 0.25, 0.25]]], np.float16)
    [(box, _, class_id)] = decode(spec, logits, boxes, size=(1333, 1333))
    assert (box, class_id) == ([499.875, 499.875, 833.125, 833.125], 3)
