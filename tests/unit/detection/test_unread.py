"""What models give besides boxes: masks, keypoints and angles are named."""

from typing import Any

import pytest

from pipeline.detection.graph import TensorInfo
from tests.support.graphs import IMAGE_640, IMAGE_WITHOUT_BATCH, float_tensors, recognise

TORCHVISION = (
    *float_tensors(("boxes", (None, 4)), ("scores", (None,))),
    TensorInfo("labels", "int64", (None,)),
)
IMAGES, FREE = (IMAGE_640,), (IMAGE_WITHOUT_BATCH,)


@pytest.mark.parametrize(
    ("inputs", "outputs", "fields", "parts"),
    [
        (IMAGES, float_tensors(("output0", (1, 84, 8400))), {}, ()),
        (
            IMAGES,
            float_tensors(("output0", (1, 116, 8400)), ("output1", (1, 32, 160, 160))),
            {},
            ("masks",),
        ),
        (
            IMAGES,
            float_tensors(("output0", (1, 56, 8400))),
            {"metadata": {"task": "pose"}, "label_count": 1},
            ("keypoints",),
        ),
        (
            IMAGES,
            float_tensors(("o", (1, 25200, 117)), ("1", (1, 32, 160, 160))),
            {},
            ("masks",),
        ),
        # The raw grids of YOLOv5 are the boxes again.
        (IMAGES, float_tensors(("o", (1, 25200, 85)), ("1", (1, 3, 80, 80, 85))), {}, ()),
        (FREE, (*TORCHVISION, *float_tensors(("transpose_1", (None, 7)))), {}, ("'transpose_1'",)),
        (
            FREE,
            (*TORCHVISION, *float_tensors(("3124", (None, 17, 3)), ("3130", (None, 17)))),
            {},
            ("keypoints", "'3130'"),
        ),
        (FREE, (*TORCHVISION, *float_tensors(("kp", (None, None, None)))), {}, ("keypoints",)),
        (
            IMAGES,
            float_tensors(("output0", (1, 300, 6)), ("7", (1, 300, 5, 2)), ("n", (1, 1))),
            {},
            ("keypoints",),
        ),
        (
            FREE,
            (*TORCHVISION, *float_tensors(*((f"\x1b{i}", (None, 9)) for i in range(5)))),
            {},
            (
                "'\N{REPLACEMENT CHARACTER}0'",
                "'\N{REPLACEMENT CHARACTER}1'",
                "'\N{REPLACEMENT CHARACTER}2'",
                "2 more outputs",
            ),
        ),
        (
            FREE,
            (*TORCHVISION, *float_tensors(("masks", (None, 1, None, None)))),
            {},
            ("masks",),
        ),
        (
            FREE,
            (*TORCHVISION, *float_tensors(("keypoints", (None, 17, 3)))),
            {},
            ("keypoints",),
        ),
        (
            IMAGES,
            float_tensors(("batchno_classid_x1y1x2y2_score_pitchyawroll", (None, 10))),
            {},
            ("angles",),
        ),
        (
            IMAGES,
            float_tensors(("dets", (1, 9, 4)), ("labels", (1, 9, 3)), ("masks", (1, 9, 28, 28))),
            {},
            ("masks",),
        ),
    ],
)
def test_parts_that_are_not_read_are_named(
    inputs: tuple[TensorInfo, ...],
    outputs: tuple[TensorInfo, ...],
    fields: dict[str, Any],
    parts: tuple[str, ...],
) -> None:
    assert recognise(inputs, outputs, **fields)[1].unread == parts


@pytest.mark.parametrize(
    ("others", "unread", "inner"),
    [
        # As Transformers exports DETR, and RT-DETR with all that it returns.
        (
            float_tensors(
                ("onnx::Shape_1369", None),
                ("encoder_last_hidden_state", (None, 1200, 256)),
                ("last_hidden_state", (None, 100, 256)),
            ),
            (),
            ("'onnx::Shape_1369'", "'encoder_last_hidden_state'", "'last_hidden_state'"),
        ),
        (
            float_tensors(
                ("intermediate_reference_points", (None, 6, 100, 4)),
                ("enc_topk_bboxes", (None, 100, 4)),
            ),
            (),
            ("'intermediate_reference_points'", "'enc_topk_bboxes'"),
        ),
        # Masks of objects, and an output whose name says nothing, can matter.
        (
            float_tensors(
                ("last_hidden_state", (None, 100, 256)),
                ("pred_masks", (None, 100, 200, 200)),
                ("3130", (None, 100, 17)),
            ),
            ("masks", "'3130'"),
            ("'last_hidden_state'",),
        ),
    ],
)
def test_inner_outputs_of_detr_are_no_unread_parts(
    others: tuple[TensorInfo, ...], unread: tuple[str, ...], inner: tuple[str, ...]
) -> None:
    outputs = float_tensors(("logits", (None, 100, 92)), ("pred_boxes", (None, 100, 4)))
    family, spec = recognise(IMAGES, (*outputs, *others))
    assert family == "detr"
    assert (spec.unread, spec.inner) == (unread, inner)
    assert spec.not_read == (*unread, *inner)
