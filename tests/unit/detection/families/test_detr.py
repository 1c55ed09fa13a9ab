"""DETR's kin: logits and boxes, softmax or sigmoid."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.detection.families import detr, detr_sigmoid
from pipeline.detection.graph import Graph, TensorInfo
from pipeline.detection.preprocess import IMAGENET_MEAN, IMAGENET_STD
from tests.support.graphs import FREE, PICTURE, array, decoded, floats, known, logit

Weights = dict[str, tuple[int, ...]]

HF_DETR: Weights = {"model.class_labels_classifier.bias": (4,)}
YOLOS: Weights = {"class_labels_classifier.layers.2.bias": (4,)}
DETR: Weights = {"class_embed.bias": (4,), "query_embed.weight": (100, 256)}
CONDITIONAL: Weights = {**HF_DETR, "model.decoder.ref_point_head.layers.0.bias": (256,)}
DAB: Weights = {**HF_DETR, "model.decoder.layers.0.ref_anchor_head.bias": (2,)}
DEFORMABLE: Weights = {
    "class_embed.0.bias": (4,),
    "model.decoder.layers.0.encoder_attn.sampling_offsets.bias": (256,),
}
RTDETR: Weights = {"model.enc_score_head.bias": (4,), "model.decoder.class_embed.5.bias": (4,)}


def outputs(queries: int | None, columns: int | None) -> tuple[TensorInfo, ...]:
    return floats(("logits", (None, queries, columns)), ("pred_boxes", (None, queries, 4)))


@pytest.mark.parametrize(
    ("weights", "columns", "labels", "family", "classes"),
    [
        (HF_DETR, 4, None, "detr", 3),
        (YOLOS, 4, None, "detr", 3),
        (DETR, 4, None, "detr", 3),
        (CONDITIONAL, 4, None, "detr-sigmoid", 4),
        (DEFORMABLE, 4, None, "detr-sigmoid", 4),
        (DAB, 4, None, "detr-sigmoid", 4),
        (RTDETR, 4, None, "detr-sigmoid", 4),
        # The weights know better than the number of labels.
        (HF_DETR, 4, 4, "detr", 3),
        (RTDETR, 4, 3, "detr-sigmoid", 4),
        # Without them, COCO's numbers and the labels tell.
        ({}, 92, None, "detr", 91),
        ({}, 91, None, "detr-sigmoid", 91),
        ({}, 4, 3, "detr", 3),
        ({}, 4, 4, "detr-sigmoid", 4),
    ],
)
def test_softmax_or_sigmoid(
    weights: Weights, columns: int, labels: int | None, family: str, classes: int
) -> None:
    found, spec = known([FREE], outputs(100, columns), weights=weights, label_count=labels)
    assert (found, spec.class_count) == (family, classes)


def test_a_free_size_keeps_proportions() -> None:
    wanted = known([FREE], outputs(None, 92))[1].preprocess
    assert (wanted.resize, wanted.filter, wanted.step) == ("keep-ratio", "antialias", None)
    assert (wanted.mean, wanted.std) == (IMAGENET_MEAN, IMAGENET_STD)
    assert wanted.placement(640, 480).canvas == (1066, 800)
    assert wanted.placement(480, 1280).canvas == (500, 1333)


def test_yolos_wants_whole_patches() -> None:
    wanted = known([FREE], outputs(100, 4), weights=YOLOS)[1].preprocess
    assert (wanted.resize, wanted.step) == ("patches", 16)
    assert wanted.placement(768, 576).canvas == (1056, 800)
    fixed = replace(PICTURE, shape=(1, 3, 512, 864))
    assert known([fixed], outputs(100, 4), weights=YOLOS)[1].preprocess.resize == "stretch"


def test_a_fixed_size_is_filled() -> None:
    fixed = replace(PICTURE, shape=(1, 3, 512, 864))
    wanted = known([fixed], outputs(100, 92))[1].preprocess
    assert (wanted.resize, wanted.width, wanted.height) == ("stretch", 864, 512)


def test_rtdetr_of_transformers_is_not_normalised() -> None:
    wanted = known([FREE], outputs(300, 4), weights=RTDETR)[1].preprocess
    assert (wanted.resize, wanted.width, wanted.height) == ("stretch", 640, 640)
    assert (wanted.mean, wanted.filter) == ((0, 0, 0), "antialias")
    dinov3 = {**RTDETR, "model.conv_encoder.spatial_tuning_adapter.conv.weight": (64,)}
    assert known([FREE], outputs(300, 4), weights=dinov3)[1].preprocess.mean == IMAGENET_MEAN


def test_rf_detr_of_transformers_scales_tensors() -> None:
    weights = {**DEFORMABLE, "model.backbone.projector.projector_layer.conv1.weight": (64,)}
    family, spec = known([FREE], outputs(300, 91), weights=weights)
    assert (family, spec.preprocess.filter) == ("detr-sigmoid", "linear-float")
    assert spec.preprocess.mean == IMAGENET_MEAN


def test_deformable_detr_keeps_100() -> None:
    logits = np.linspace(0, 4, 400, dtype=np.float32).reshape(1, 200, 2)
    boxes = np.full((1, 200, 4), 0.5, np.float32)
    for weights, kept in ((DEFORMABLE, 100), (RTDETR, 200)):
        spec = known([FREE], outputs(200, 2), weights=weights)[1]
        found = spec.decode([logits, boxes], 0.4, (640, 640))
        assert len(found) == kept
        assert found.scores[0] == found.scores.max()


def test_more_inputs_and_outputs() -> None:
    mask = TensorInfo("pixel_mask", "int64", (None, 64, 64))
    more = floats(("last_hidden_state", (None, 100, 256)), ("onnx::Shape_1", None))
    family, spec = known([FREE, mask], [*more, *reversed(outputs(100, 92))])
    assert (family, spec.outputs) == ("detr", ("logits", "pred_boxes"))


def test_outputs_without_names() -> None:
    ports = floats(("3721", (1, 100, 4)), ("3720", (1, 100, 92)))
    weights = {"bbox_embed.layers.2.bias": (4,)}
    family, spec = known([PICTURE], ports, weights=weights)
    assert (family, spec.outputs) == ("detr", ("3720", "3721"))
    assert detr_sigmoid.recognise(Graph((PICTURE,), ports)) is None
    alike = floats(("3720", (1, 100, 4)), ("3721", (1, 100, 4)))
    assert detr.recognise(Graph((PICTURE,), alike, weights={**weights, **DETR})) is None


@pytest.mark.parametrize(
    "ports",
    [
        outputs(100, None),
        floats(("logits", (1, 100, 92)), ("pred_boxes", (1, 300, 4))),
        floats(("logits", (1, 92)), ("pred_boxes", (1, 4))),
        floats(("logits", (1, 100, 92)), ("pred_masks", (1, 100, 200, 200))),
    ],
)
def test_not_known_or_none(ports: tuple[TensorInfo, ...]) -> None:
    graph = Graph((FREE,), ports)
    assert detr.recognise(graph) is None
    assert detr_sigmoid.recognise(graph) is None


def test_no_object_is_no_class() -> None:
    _, spec = known([FREE], outputs(3, 4), weights=HF_DETR)
    # Softmax of log p is p.
    shares = [[0.1, 0.6, 0.2, 0.1], [0.1, 0.05, 0.05, 0.8], [0.4, 0.3, 0.2, 0.1]]
    boxes = array([[[0.5, 0.5, 0.2, 0.1], [0.5, 0.5, 1, 1], [0.25, 0.5, 0.5, 1]]])
    assert decoded(spec, np.log(array([shares])), boxes, size=(1000, 500), score=0.39) == [
        ([400, 225, 600, 275], 0.6, 1),
        ([0, 0, 500, 500], 0.4, 0),
    ]
    assert decoded(spec, np.log(array([shares])), boxes, score=0.7) == []


def test_a_query_may_be_of_two_classes_and_as_many_are_looked_at_as_there_are_queries() -> None:
    _, spec = known([FREE], outputs(2, 3), weights=RTDETR)
    logits = array([[[logit(0.9), logit(0.1), logit(0.8)], [logit(0.1), logit(0.7), -200]]])
    boxes = array([[[0.5, 0.5, 0.5, 0.5], [0.5, 0.5, 1, 1]]])
    assert decoded(spec, logits, boxes, size=(100, 200)) == [
        ([25, 50, 75, 150], 0.9, 0),
        ([25, 50, 75, 150], 0.8, 2),
    ]


def test_halves_are_read_as_pixels() -> None:
    half = [replace(port, type="float16") for port in outputs(1, 92)]
    _, spec = known([replace(FREE, type="float16")], half)
    logits = np.zeros((1, 1, 92), np.float16)
    logits[..., 3] = 12
    boxes = np.array([[[0.5, 0.5, 0.25, 0.25]]], np.float16)
    [(box, _, class_id)] = decoded(spec, logits, boxes, size=(1333, 1333))
    assert (box, class_id) == ([499.875, 499.875, 833.125, 833.125], 3)
