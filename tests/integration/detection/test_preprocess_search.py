"""Other preprocessings are tried on an image, and only a better one is named."""

from dataclasses import replace
from typing import Any

import pytest

from pipeline.config.schema import DetectorConfig
from pipeline.detection.model import Model
from pipeline.detection.preprocess_search import find_better_preprocess
from pipeline.frame import Image
from tests.support.default_model import DEFAULT_MODEL

RIGHT = {"scale": 1 / 255, "colour": "rgb"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"scale": 1e-6},
        {"scale": 1.0},
        {"scale": 1.0, "colour": "bgr"},
        {"scale": 1e-6, "colour": "bgr"},
    ],
)
def test_the_right_scale_and_colour_order_are_found(frame: Image, wrong: dict[str, Any]) -> None:
    model = Model.load(str(DEFAULT_MODEL))
    preprocess = replace(model.spec.preprocess, **wrong)
    model = replace(model, spec=replace(model.spec, preprocess=preprocess))
    better = find_better_preprocess(model, frame, DetectorConfig())
    assert better is not None
    # The frame shows more than 5 objects. The best resize depends on the image.
    assert len(better.detections) >= 4
    assert {**better.changes, "resize": ""} == {
        **{key: value for key, value in RIGHT.items() if key in wrong},
        "resize": "",
    }


def test_nothing_is_better_than_the_right_preprocessing(frame: Image) -> None:
    model = Model.load(str(DEFAULT_MODEL))
    assert find_better_preprocess(model, frame, DetectorConfig()) is None
