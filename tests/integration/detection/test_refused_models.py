"""Models that ONNX Runtime or pretag cannot take: each refusal says what to do."""

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import helper

from pipeline.config.schema import DetectorConfig
from pipeline.detection.detector import Detector
from pipeline.detection.model import Model
from pipeline.errors import BrokenError
from tests.support import onnx_models
from tests.support.onnx_edit import DEFAULT

PICTURE: dict[str, onnx_models.Shape] = {"images": [1, 3, 64, 64]}


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
    path = onnx_models.write_model(
        tmp_path / "a.onnx", node, inputs=PICTURE, outputs={"num_dets": [1, 1]}, domain="TRT"
    )
    message = refused(path)
    assert "it needs the operator TRT:EfficientNMS_TRT, which this ONNX Runtime does" in message
    assert "and without the plug-in that brings it" in message


def test_an_operator_that_only_other_builds_run(tmp_path: Path) -> None:
    node = helper.make_node(
        "GroupNorm",
        ["images", "gamma", "beta"],
        ["output0"],
        domain="com.microsoft",
        activation=0,
        groups=1,
    )
    path = onnx_models.write_model(
        tmp_path / "a.onnx",
        node,
        inputs=PICTURE,
        outputs={"output0": [1, 3, 64, 64]},
        domain="com.microsoft",
        weights={"gamma": [1.0] * 64, "beta": [0.0] * 64},
    )
    assert "needs the operator GroupNorm, which this ONNX Runtime does not have" in refused(path)


def test_a_second_input_that_nothing_says_how_to_fill(tmp_path: Path) -> None:
    node = helper.make_node("Add", ["images", "prompt"], ["output0"])
    inputs: dict[str, onnx_models.Shape] = {**PICTURE, "prompt": [1, 3, 64, 64]}
    path = onnx_models.write_model(
        tmp_path / "a.onnx", node, inputs=inputs, outputs={"output0": [1, 3, 64, 64]}
    )
    # Both could be the picture; the first one is.
    assert "'prompt: 1 x 3 x 64 x 64 float32', which pretag cannot fill" in refused(path)


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
    assert (opened.family, opened.spec.class_count) == ("ultralytics", 80)
    picture = np.full((96, 96, 3), 90, np.uint8)
    config = DetectorConfig(score_threshold=0.01)
    found, expected = (
        Detector(each, config).detect(picture) for each in (opened, Model.load(str(DEFAULT)))
    )
    assert found.boxes.tolist() == expected.boxes.tolist()


def test_a_graph_that_does_not_run(tmp_path: Path) -> None:
    node = helper.make_node("Reshape", ["images", "size"], ["output0"])
    path = onnx_models.write_model(
        tmp_path / "a.onnx",
        node,
        inputs={"images": [1, 3, "height", "width"]},
        outputs={"output0": None},
        weights={"size": [-1, 84, 7, 1]},  # which no picture of 640 x 640 can be cut into
    )
    message = refused(path)
    assert "does not run on a blank picture" in message


def test_a_grey_picture_is_no_colour_picture(tmp_path: Path) -> None:
    node = helper.make_node("Identity", ["image"], ["output0"])
    path = onnx_models.write_model(
        tmp_path / "a.onnx",
        node,
        inputs={"image": [1, 1, 8, 8]},
        outputs={"output0": [1, 1, 8, 8]},
    )
    assert "it must have 3 channels, first or last" in refused(path)


def test_a_model_in_s3_on_a_laptop() -> None:
    with pytest.raises(BrokenError, match="is in S3, where only the Lambda function reads models"):
        Model.load("s3://models/mine.onnx")


@pytest.mark.parametrize(
    "preprocess",
    [
        {"resize": "none"},
        {"resize": "keep-ratio"},
        {"resize": "patches"},
        {"width": 640},
        {"step": 32},
    ],
)
def test_a_card_for_another_size_than_the_graphs(
    tmp_path: Path, preprocess: dict[str, object]
) -> None:
    path = tmp_path / "a.onnx"
    shutil.copy(DEFAULT, path)
    path.with_suffix(".json").write_text(json.dumps({"preprocess": preprocess}))
    assert "its input is 300 x 300 pixels, and its card has pictures '" in refused(path)


def constant(path: Path, rows: NDArray[np.float32], **card: object) -> Path:
    """Write a model that finds the same in every picture."""
    node = helper.make_node("Identity", ["rows"], ["output0"])
    onnx_models.write_model(
        path, node, inputs=PICTURE, outputs={"output0": list(rows.shape)}, weights={"rows": rows}
    )
    path.with_suffix(".json").write_text(json.dumps({"labels": ["a", "b"], **card}))
    return path


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ((0.1, 0.1, 0.6, 0.9, 0.8, 1), r"finds all of 300 boxes within 2 pixels"),
        ((1e4, 1e4, 2e4, 2e4, 0.8, 1), r"finds boxes at 20000 pixels"),
        ((8, 8, 30, 30, 7.5, 1), r"scores an object 7\.5, where 1 is the most,"),
    ],
)
def test_a_misread_model_does_not_go_on(tmp_path: Path, row: tuple[float, ...], says: str) -> None:
    rows = np.array([[row] * 300], np.float32)
    detector = Detector(Model.load(str(constant(tmp_path / "a.onnx", rows))), DetectorConfig())
    with pytest.raises(BrokenError, match=f"Model a {says} in an input of 64 x 64: it is none of"):
        detector.detect(np.zeros((48, 64, 3), np.uint8))


def test_small_boxes_in_the_corner_may_be_so(tmp_path: Path) -> None:
    rows = np.zeros((1, 300, 6), np.float32)
    rows[0, :3] = (0, 0, 1.5, 1.5, 0.8, 1)
    detector = Detector(Model.load(str(constant(tmp_path / "a.onnx", rows))), DetectorConfig())
    assert len(detector.detect(np.zeros((64, 64, 3), np.uint8))) == 3


@pytest.mark.parametrize(
    ("names", "family"),
    [
        (
            ("detection_boxes", "detection_classes", "detection_scores", "num_detections"),
            "tensorflow",
        ),
        (("num_dets", "det_boxes", "det_scores", "det_classes"), "efficient-nms"),
    ],
)
def test_outputs_that_are_none_of_their_names(
    tmp_path: Path, names: tuple[str, ...], family: str
) -> None:
    """Shapes that the file leaves open, and that turn out to be others."""
    nodes = [helper.make_node("Identity", ["one"], [name]) for name in names]
    path = onnx_models.write_model(
        tmp_path / "a.onnx",
        *nodes,
        inputs=PICTURE,
        outputs={name: ["n"] for name in names},
        weights={"one": [1.0]},
    )
    card = {"labels": ["a"], "family": family}
    path.with_suffix(".json").write_text(json.dumps(card))
    assert f'its card says family = "{family}"' in refused(path)


def test_outputs_that_change_their_shape_are_told(tmp_path: Path) -> None:
    """As many columns as the picture's first pixel says, from 0 to 1."""
    sizes = helper.make_node("Cast", ["share"], ["whole"], to=onnx.TensorProto.INT64)
    path = onnx_models.write_model(
        tmp_path / "a.onnx",
        helper.make_node("ReduceMax", ["images"], ["share"], keepdims=0),
        sizes,
        helper.make_node("Reshape", ["whole", "flat"], ["width"]),
        helper.make_node("Slice", ["rows", "none", "width", "last"], ["output0"]),
        inputs=PICTURE,
        outputs={"output0": [1, 300, 6]},
        weights={"rows": np.zeros((1, 300, 6)), "flat": [1], "none": [0], "last": [2]},
    )
    path.with_suffix(".json").write_text(json.dumps({"labels": ["a"]}))
    detector = Detector(Model.load(str(path)), DetectorConfig())
    with pytest.raises(BrokenError, match=r"gives outputs \(\(1, 300, 0\)\) that are none of"):
        detector.detect(np.zeros((64, 64, 3), np.uint8))


def with_metadata(path: Path, key: bytes, value: bytes) -> Path:
    """Write the default model with an entry of metadata that need not be text."""
    entry = b"".join(bytes([tag, len(text)]) + text for tag, text in ((10, key), (18, value)))
    path.write_bytes(DEFAULT.read_bytes() + bytes([14 << 3 | 2, len(entry)]) + entry)
    return path


def test_metadata_that_are_no_text(tmp_path: Path) -> None:
    assert "are no text in UTF-8" in refused(with_metadata(tmp_path / "a.onnx", b"k", b"\xff\xfe"))


def test_a_graph_without_outputs(tmp_path: Path) -> None:
    model = onnx.load(str(DEFAULT))
    del model.graph.output[:]
    onnx.save(model, str(tmp_path / "a.onnx"))
    message = refused(tmp_path / "a.onnx")
    assert "it has no outputs" in message or "ONNX Runtime does not load it" in message


@pytest.mark.parametrize("said", ["[1]", '"text"', "null"])
def test_a_card_that_is_no_table(tmp_path: Path, said: str) -> None:
    path = tmp_path / "a.onnx"
    shutil.copy(DEFAULT, path)
    path.with_suffix(".json").write_text(said)
    with pytest.raises(BrokenError, match=r"Model card .*a\.json is not valid: .*dictionary"):
        Model.load(str(path))


def test_what_no_file_tells_must_be_on_the_card(tmp_path: Path) -> None:
    path = onnx_models.write_model(
        tmp_path / "a.onnx",
        helper.make_node("Identity", ["rows"], ["found"]),
        helper.make_node("Identity", ["one"], ["count"]),
        inputs={**PICTURE, "scale_factor": [1, 2]},
        outputs={"found": ["n", 6], "count": [1]},
        weights={"rows": [[1.0, 0.5, 16.0, 16.0, 32.0, 48.0]], "one": [1.0]},
    )
    card = path.with_suffix(".json")
    card.write_text(json.dumps({"labels": ["a", "b"], "preprocess": {"std": [1, 1, 1]}}))
    assert "family 'paddle', whose models differ" in refused(path)
    assert "Put mean under [preprocess] on its card" in refused(path)
    told = {"mean": [0, 0, 0], "std": [1, 1, 1]}
    card.write_text(json.dumps({"labels": ["a", "b"], "preprocess": told}))
    found = Detector(Model.load(str(path)), DetectorConfig()).detect(
        np.zeros((96, 128, 3), np.uint8)
    )
    assert found.boxes.tolist() == [[32, 24, 64, 72]]
    assert found.class_ids.tolist() == [1]
