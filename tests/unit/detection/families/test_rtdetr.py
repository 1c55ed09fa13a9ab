"""RT-DETR's deploy exports: labels, boxes and scores, scaled to a second input."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.detection.extra_inputs import make_extra_input
from pipeline.detection.families import rtdetr
from pipeline.detection.graph import Graph, Shape, TensorInfo
from pipeline.detection.preprocess import IMAGENET_MEAN, IMAGENET_STD
from tests.support.graphs import PICTURE, array, decoded, known

SIZES = TensorInfo("orig_target_sizes", "int64", (None, 2))
OUTPUTS = (
    TensorInfo("labels", "int64", (None, 300)),
    TensorInfo("boxes", "float32", (None, 300, 4)),
    TensorInfo("scores", "float32", (None, 300)),
)


def test_stretched_like_pillow_and_not_normalised() -> None:
    family, spec = known([PICTURE, SIZES], OUTPUTS)
    wanted = spec.preprocess
    assert family == "rtdetr"
    assert (wanted.resize, wanted.width, wanted.height) == ("stretch", 640, 640)
    assert (wanted.filter, wanted.colour, wanted.scale) == ("antialias", "rgb", 1 / 255)
    assert (wanted.mean, wanted.std) == ((0, 0, 0), (1, 1, 1))
    assert not spec.needs_nms


def test_its_own_size() -> None:
    small = replace(PICTURE, shape=(None, 3, 320, 416))
    wanted = known([small, SIZES], OUTPUTS)[1].preprocess
    assert (wanted.width, wanted.height) == (416, 320)


def test_dinov3_wants_normalised_pictures() -> None:
    weights = {"model.backbone.dinov3.blocks.0.norm1.weight": (192,)}
    wanted = known([PICTURE, SIZES], OUTPUTS, weights=weights)[1].preprocess
    assert (wanted.mean, wanted.std) == (IMAGENET_MEAN, IMAGENET_STD)


@pytest.mark.parametrize(
    ("weights", "classes"),
    [
        ({"model.decoder.enc_score_head.bias": (80,)}, 80),
        # RT-DETRv2's `agnostic` selection: the encoder tells objects only.
        (
            {
                "model.decoder.enc_score_head.bias": (1,),
                "model.decoder.dec_score_head.5.bias": (7,),
            },
            7,
        ),
        ({"onnx::MatMul_2881": (256, 80)}, None),
    ],
)
def test_classes_are_counted_in_the_weights(weights: dict[str, Shape], classes: int | None) -> None:
    assert known([PICTURE, SIZES], OUTPUTS, weights=weights)[1].class_count == classes


def test_rows_from_the_threshold_on() -> None:
    _, spec = known([PICTURE, SIZES], OUTPUTS[::-1])
    assert spec.outputs == ("labels", "boxes", "scores")
    boxes = array([[[1, 2, 3, 4], [5, 6, 7, 8], [9, 9, 9, 9]]])
    scores = array([[0.9, 0.5, 0.49]])
    assert decoded(spec, np.array([[3, 4, 5]]), boxes, scores, score=0.5) == [
        ([1, 2, 3, 4], 0.9, 3),
        ([5, 6, 7, 8], 0.5, 4),
    ]
    assert decoded(spec, np.array([[3, 4, 5]]), boxes, scores, score=0.95) == []


def test_the_second_input_is_width_and_height() -> None:
    assert make_extra_input(SIZES, 640, 320).tolist() == [[640, 320]]


def test_not_without_the_second_input() -> None:
    assert rtdetr.recognise(Graph((PICTURE,), OUTPUTS)) is None
