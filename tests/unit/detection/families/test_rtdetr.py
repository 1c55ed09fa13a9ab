"""The family `rtdetr`: labels, boxes and scores, scaled to the size in a second input."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.detection.extra_inputs import make_extra_input
from pipeline.detection.families import rtdetr
from pipeline.detection.graph import Graph, Shape, TensorInfo
from pipeline.detection.preprocess import IMAGENET_MEAN, IMAGENET_STD
from tests.support.graphs import IMAGE_640, decode, float_array, recognise

SIZES = TensorInfo("orig_target_sizes", "int64", (None, 2))
OUTPUTS = (
    TensorInfo("labels", "int64", (None, 300)),
    TensorInfo("boxes", "float32", (None, 300, 4)),
    TensorInfo("scores", "float32", (None, 300)),
)


def test_the_image_is_stretched_with_pillows_filter_and_not_normalised() -> None:
    family, spec = recognise([IMAGE_640, SIZES], OUTPUTS)
    preprocess = spec.preprocess
    assert family == "rtdetr"
    assert (preprocess.resize, preprocess.width, preprocess.height) == ("stretch", 640, 640)
    assert (preprocess.filter, preprocess.colour) == ("antialias", "rgb")
    assert preprocess.scale == 1 / 255
    assert (preprocess.mean, preprocess.std) == ((0, 0, 0), (1, 1, 1))
    assert not spec.needs_nms


def test_the_image_gets_the_size_of_the_input() -> None:
    small = replace(IMAGE_640, shape=(None, 3, 320, 416))
    preprocess = recognise([small, SIZES], OUTPUTS)[1].preprocess
    assert (preprocess.width, preprocess.height) == (416, 320)


def test_a_dinov3_backbone_needs_normalised_images() -> None:
    weights = {"model.backbone.dinov3.blocks.0.norm1.weight": (192,)}
    preprocess = recognise([IMAGE_640, SIZES], OUTPUTS, weights=weights)[1].preprocess
    assert (preprocess.mean, preprocess.std) == (IMAGENET_MEAN, IMAGENET_STD)


@pytest.mark.parametrize(
    ("weights", "class_count"),
    [
        ({"model.decoder.enc_score_head.bias": (80,)}, 80),
        # RT-DETRv2's `agnostic` selection trains the encoder with a single class.
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
def test_the_weights_show_the_number_of_classes(
    weights: dict[str, Shape], class_count: int | None
) -> None:
    _, spec = recognise([IMAGE_640, SIZES], OUTPUTS, weights=weights)
    assert spec.class_count == class_count


def test_a_score_equal_to_the_threshold_is_returned() -> None:
    _, spec = recognise([IMAGE_640, SIZES], OUTPUTS[::-1])
    assert spec.outputs == ("labels", "boxes", "scores")
    class_ids = np.array([[3, 4, 5]])
    boxes = float_array([[[1, 2, 3, 4], [5, 6, 7, 8], [9, 9, 9, 9]]])
    scores = float_array([[0.9, 0.5, 0.49]])
    assert decode(spec, class_ids, boxes, scores, score_threshold=0.5) == [
        ([1, 2, 3, 4], 0.9, 3),
        ([5, 6, 7, 8], 0.5, 4),
    ]
    assert decode(spec, class_ids, boxes, scores, score_threshold=0.95) == []


def test_the_second_input_is_the_width_and_height() -> None:
    assert make_extra_input(SIZES, 640, 320).tolist() == [[640, 320]]


def test_a_graph_without_the_second_input_is_not_recognised() -> None:
    assert rtdetr.recognise(Graph((IMAGE_640,), OUTPUTS)) is None
