"""Models that ONNX Runtime or pretag cannot take: each refusal says what to do."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from pipeline.config import Detector as DetectorConfig
from pipeline.detection.detector import Detector
from pipeline.detection.model import Model
from pipeline.errors import BrokenError
from tests import tiny
from tests.surgery import DEFAULT

PICTURE: dict[str, tiny.Shape] = {"images": [1, 3, 8, 8]}


def refused(path: Path) -> str:
    with pytest.raises(BrokenError, match=f"Model {path} cannot be used: ") as caught:
        Model.load(str(path))
    message = str(caught.value)
    assert "\n" not in message
    return message.split("cannot be used: ")[1]


def test_tensors_in_another_file(tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    onnx.save(onnx.load(str(DEFAULT)), str(path), save_as_external_data=True, location="a.data")
    message = refused(path)
    assert "lie in other files, which pretag does not open" in message
    assert "onnx.save(onnx.load('model.onnx'), 'one.onnx')" in message


def test_an_operator_of_a_plug_in(tmp_path: Path) -> None:
    node = helper.make_node("EfficientNMS_TRT", ["images"], ["num_dets"], domain="TRT")
    path = tiny.model(
        tmp_path / "a.onnx", node, inputs=PICTURE, outputs={"num_dets": [1, 1]}, domain="TRT"
    )
    message = refused(path)
    assert "it needs the operator TRT:EfficientNMS_TRT, which this ONNX Runtime does" in message
    assert "Export it without the plug-in that brings it" in message


def test_an_operator_that_only_other_builds_run(tmp_path: Path) -> None:
    node = helper.make_node(
        "GroupNorm",
        ["images", "gamma", "beta"],
        ["output0"],
        domain="com.microsoft",
        activation=0,
        groups=1,
    )
    path = tiny.model(
        tmp_path / "a.onnx",
        node,
        inputs=PICTURE,
        outputs={"output0": [1, 3, 8, 8]},
        domain="com.microsoft",
        gamma=[1.0] * 8,
        beta=[0.0] * 8,
    )
    assert "needs the operator GroupNorm, which this ONNX Runtime does not have" in refused(path)


def test_a_second_input_that_nothing_says_how_to_fill(tmp_path: Path) -> None:
    node = helper.make_node("Add", ["images", "prompt"], ["output0"])
    inputs: dict[str, tiny.Shape] = {**PICTURE, "prompt": [1, 3, 8, 8]}
    path = tiny.model(tmp_path / "a.onnx", node, inputs=inputs, outputs={"output0": [1, 3, 8, 8]})
    # Both could be the picture; the first one is.
    assert "'prompt: 1 x 3 x 8 x 8 float32', which pretag cannot fill" in refused(path)


def test_shapes_that_only_a_run_shows(tmp_path: Path) -> None:
    """The default model, of whose output the file says nothing."""
    model = onnx.load(str(DEFAULT))
    model.graph.output[0].type.tensor_type.ClearField("shape")
    del model.graph.value_info[:]
    # ONNX Runtime would infer the shape; not that of a tensor whose sizes are computed.
    model.graph.output[0].name = "reshaped"
    sizes = helper.make_node("Shape", ["output0"], ["sizes"])
    nothing = helper.make_node(
        "RandomUniformLike", ["sizes"], ["noise"], low=0.0, high=0.0, dtype=1
    )
    whole = helper.make_node("Cast", ["noise"], ["zeros"], to=onnx.TensorProto.INT64)
    summed = helper.make_node("Add", ["sizes", "zeros"], ["same_sizes"])
    reshape = helper.make_node("Reshape", ["output0", "same_sizes"], ["reshaped"])
    model.graph.node.extend([sizes, nothing, whole, summed, reshape])
    path = tmp_path / "open.onnx"
    onnx.save(model, str(path))
    opened = Model.load(str(path))
    assert (opened.family, opened.reading.class_count) == ("ultralytics", 80)
    picture = np.full((96, 96, 3), 90, np.uint8)
    config = DetectorConfig(score_threshold=0.01)
    found, expected = (
        Detector(each, config).detect(picture) for each in (opened, Model.load(str(DEFAULT)))
    )
    assert found.boxes.tolist() == expected.boxes.tolist()


def test_a_graph_that_does_not_run(tmp_path: Path) -> None:
    node = helper.make_node("Reshape", ["images", "size"], ["output0"])
    path = tiny.model(
        tmp_path / "a.onnx",
        node,
        inputs={"images": [1, 3, "height", "width"]},
        outputs={"output0": None},
        size=[-1, 84, 7, 1],  # which no picture of 640 x 640 can be cut into
    )
    message = refused(path)
    assert "does not run on a blank picture" in message


def test_a_grey_picture_is_no_colour_picture(tmp_path: Path) -> None:
    node = helper.make_node("Identity", ["image"], ["output0"])
    path = tiny.model(
        tmp_path / "a.onnx",
        node,
        inputs={"image": [1, 1, 8, 8]},
        outputs={"output0": [1, 1, 8, 8]},
    )
    assert "it must have 3 channels, first or last" in refused(path)


def test_a_model_in_s3_on_a_laptop() -> None:
    with pytest.raises(BrokenError, match="is in S3, where only the Lambda function reads models"):
        Model.load("s3://models/mine.onnx")
