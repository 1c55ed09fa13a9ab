"""Models that no family recognises are named, and the error says what to do."""

import re
from typing import Any

import pytest

from pipeline.detection.graph import Graph, TensorInfo
from pipeline.detection.registry import recognise_family, unrecognised_error
from tests.support.graphs import IMAGE_640, float_tensors

IMAGE_352 = TensorInfo("input.1", "float32", (1, 3, 352, 352))
OBB = {"operators": frozenset({"Conv", "Sin", "Cos"})}


@pytest.mark.parametrize(
    ("image", "outputs", "fields", "message"),
    [
        (
            IMAGE_640,
            float_tensors(
                *((str(n), (1, c, 160, 160)) for n, c in ((537, 1), (538, 2), (539, 2), (540, 10)))
            ),
            {},
            r"looks like CenterFace.*Use YuNet.*https://",
        ),
        (
            IMAGE_640,
            float_tensors(
                ("hm", (1, 80, 128, 128)), ("wh", (1, 2, 128, 128)), ("reg", (1, 2, 128, 128))
            ),
            {},
            "looks like CenterNet",
        ),
        (
            TensorInfo("input", "float32", (1, 3, 128, 128)),
            float_tensors(("regressors", (1, 896, 16)), ("classificators", (1, 896, 1))),
            {},
            "looks like BlazeFace.*https://",
        ),
        (
            TensorInfo("input", "float32", (1, 3, 120, 160)),
            float_tensors(("loc", (1075, 14)), ("conf", (1075, 2)), ("iou", (1075, 1))),
            {},
            "YuNet of 2022.*https://",
        ),
        (
            IMAGE_352,
            float_tensors(("794", (1, 22, 22, 95)), ("796", (1, 11, 11, 95))),
            {},
            "Yolo-FastestV2.*https://",
        ),
        (
            IMAGE_352,
            float_tensors(("output", (1815, 85))),
            {},
            "without a batch.*Yolo-FastestV2.*1 x N x columns",
        ),
        (
            IMAGE_640,
            float_tensors(("graph2_flat_predictions", (None, 57))),
            {},
            r"pose model of SuperGradients.*model\.export",
        ),
        (IMAGE_640, float_tensors(("detections", (1, 100, 7))), {}, "batchno_y1x1y2x2_score_class"),
        (IMAGE_640, float_tensors(("output0", (1, 300, 7))), OBB, "rotated boxes.*yolo export"),
        (IMAGE_640, float_tensors(("output0", (1, 300, 57))), {}, "keypoints.*yolo export"),
        (
            IMAGE_640,
            float_tensors(("913", (1, 8400, 4)), ("904", (1, 8400, 80))),
            {},
            r"YOLO-NAS, DAMO-YOLO.*model\.export",
        ),
        (IMAGE_640, float_tensors(("logits", (1, 1000))), {}, "a classifier, which has no boxes"),
        (
            IMAGE_640,
            float_tensors(*((str(n), (1, 255, n, n)) for n in (80, 40, 20))),
            {},
            "grids or feature maps.*Export it with the step that decodes boxes",
        ),
        (
            IMAGE_640,
            float_tensors(*((str(n), (1, 3, n, n, 85)) for n in (80, 40))),
            {},
            "grids or feature maps",
        ),
        (IMAGE_640, float_tensors(("output", (1, 32, 160, 160))), {}, "masks, or a feature map"),
    ],
)
def test_a_known_kind_is_named_with_the_next_step(
    image: TensorInfo, outputs: tuple[TensorInfo, ...], fields: dict[str, Any], message: str
) -> None:
    graph = Graph((image,), outputs, **fields)
    assert recognise_family(graph) is None
    error = str(unrecognised_error(graph))
    assert re.search(message, error)
    assert str(outputs[0]) in error
    # It names no list of families, and no path inside the repository.
    assert "efficient-nms" not in error
    assert "docs/" not in error
