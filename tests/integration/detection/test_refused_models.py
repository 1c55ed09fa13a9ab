"""Models that ONNX Runtime cannot load or pretag cannot decode, and their error messages."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from pipeline.config.schema import DetectorConfig
from pipeline.detection.detector import Detector
from pipeline.detection.model import Model
from pipeline.errors import BrokenError
from tests.support import onnx_models
from tests.support.default_model import DEFAULT_MODEL

pytestmark = pytest.mark.usefixtures("forked_children")

IMAGE: dict[str, onnx_models.Shape] = {"images": [1, 3, 64, 64]}


def refusal(path: Path) -> str:
    """Return the reason for which a model is refused."""
    with pytest.raises(BrokenError, match=f"Model {path} cannot be used: ") as caught:
        Model.load(str(path))
    message = str(caught.value)
    assert "\n" not in message
    return message.split("cannot be used: ")[1]


def test_a_model_with_tensors_in_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    onnx.save(
        onnx.load(str(DEFAULT_MODEL)), str(path), save_as_external_data=True, location="a.data"
    )
    message = refusal(path)
    assert "are in other files, which pretag does not open" in message
    assert "onnx.save(onnx.load('model.onnx'), 'one.onnx')" in message


def test_a_long_name_of_an_external_tensor_is_shortened(tmp_path: Path) -> None:
    model = onnx.load(str(DEFAULT_MODEL))
    tensor = model.graph.initializer[0]
    tensor.name, tensor.data_location = "w" * 10**6, onnx.TensorProto.EXTERNAL
    path = tmp_path / "a.onnx"
    path.write_bytes(model.SerializeToString())
    message = refusal(path)
    assert "www..." in message
    assert len(message) < 1000


def test_a_model_with_an_operator_of_a_plug_in_is_refused(tmp_path: Path) -> None:
    node = helper.make_node("EfficientNMS_TRT", ["images"], ["num_dets"], domain="TRT")
    path = onnx_models.write_model(
        tmp_path / "a.onnx", node, inputs=IMAGE, outputs={"num_dets": [1, 1]}, domain="TRT"
    )
    message = refusal(path)
    assert "it needs the operator TRT:EfficientNMS_TRT, which this ONNX Runtime does" in message
    assert "without operators of plug-ins such as TensorRT's NMS" in message


def test_a_model_with_an_operator_of_other_builds_is_refused(tmp_path: Path) -> None:
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
        inputs=IMAGE,
        outputs={"output0": [1, 3, 64, 64]},
        domain="com.microsoft",
        weights={"gamma": [1.0] * 64, "beta": [0.0] * 64},
    )
    assert "needs the operator GroupNorm, which this ONNX Runtime does not have" in refusal(path)


def test_a_model_with_an_unknown_second_input_is_refused(tmp_path: Path) -> None:
    node = helper.make_node("Add", ["images", "prompt"], ["output0"])
    inputs: dict[str, onnx_models.Shape] = {**IMAGE, "prompt": [1, 3, 64, 64]}
    path = onnx_models.write_model(
        tmp_path / "a.onnx", node, inputs=inputs, outputs={"output0": [1, 3, 64, 64]}
    )
    # Both inputs could take the image. The first one does.
    assert "the input 'prompt: 1 x 3 x 64 x 64 float32', for which pretag has no values" in refusal(
        path
    )


@pytest.mark.parametrize("can_try", [True, False])
def test_a_model_that_does_not_give_the_shape_of_its_output_is_recognised_by_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, can_try: bool
) -> None:
    # On other systems than Linux, the run is in this process.
    monkeypatch.setattr("pipeline.detection.opened_model.can_try", lambda _providers: can_try)
    edited = onnx.load(str(DEFAULT_MODEL))
    edited.graph.output[0].type.tensor_type.ClearField("shape")
    del edited.graph.value_info[:]
    # The sizes are computed from a random number, so that ONNX Runtime cannot infer the shape.
    edited.graph.output[0].name = "reshaped"
    sizes = helper.make_node("Shape", ["output0"], ["sizes"])
    noise = helper.make_node("RandomUniformLike", ["sizes"], ["noise"], low=0.0, high=0.0, dtype=1)
    zeros = helper.make_node("Cast", ["noise"], ["zeros"], to=onnx.TensorProto.INT64)
    same_sizes = helper.make_node("Add", ["sizes", "zeros"], ["same_sizes"])
    reshape = helper.make_node("Reshape", ["output0", "same_sizes"], ["reshaped"])
    edited.graph.node.extend([sizes, noise, zeros, same_sizes, reshape])
    path = tmp_path / "open.onnx"
    onnx.save(edited, str(path))
    reshaped, default = Model.load(str(path)), Model.load(str(DEFAULT_MODEL))
    assert (reshaped.family, reshaped.spec.class_count) == ("ultralytics", 80)
    image = np.full((96, 96, 3), 90, np.uint8)
    detections, expected = (
        Detector(model, DetectorConfig(score_threshold=0.01)).detect(image)
        for model in (reshaped, default)
    )
    assert detections.boxes.tolist() == expected.boxes.tolist()


def test_a_model_that_fails_on_a_blank_image_is_refused(tmp_path: Path) -> None:
    node = helper.make_node("Reshape", ["images", "size"], ["output0"])
    path = onnx_models.write_model(
        tmp_path / "a.onnx",
        node,
        inputs={"images": [1, 3, "height", "width"]},
        outputs={"output0": None},
        weights={"size": [-1, 84, 7, 1]},  # an image of 640 x 640 has no such shape
    )
    assert "it fails on a blank image of 640 x 640 pixels" in refusal(path)


def test_a_model_for_grey_images_is_refused(tmp_path: Path) -> None:
    node = helper.make_node("Identity", ["image"], ["output0"])
    path = onnx_models.write_model(
        tmp_path / "a.onnx",
        node,
        inputs={"image": [1, 1, 8, 8]},
        outputs={"output0": [1, 1, 8, 8]},
    )
    assert "Export it with an input that has 3 channels, first or last" in refusal(path)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ((1e4, 1e4, 2e4, 2e4, 0.8, 1), "gives boxes at 20000 pixels"),
        ((8, 8, 30, 30, 7.5, 1), r"gives a score of 7\.5, but scores are at most 1"),
        ((30, 8, 8, 30, 0.8, 1), "gives 300 boxes, 300 of which end before they begin"),
    ],
)
def test_outputs_that_are_decoded_as_those_of_a_wrong_family_are_an_error(
    tmp_path: Path, row: tuple[float, ...], message: str
) -> None:
    rows = np.array([[row] * 300], np.float32)
    detector = Detector(
        Model.load(str(onnx_models.write_constant_model(tmp_path / "a.onnx", rows))),
        DetectorConfig(),
    )
    with pytest.raises(
        BrokenError,
        match=f"Model a {message}, in an input of 64 x 64 pixels: it is not of the family",
    ):
        detector.detect(np.zeros((48, 64, 3), np.uint8))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_a_number_is_an_error_in_any_row(tmp_path: Path, value: float) -> None:
    rows = np.zeros((1, 300, 6), np.float32)
    rows[0, 7] = (8, 8, 30, value, 0.1, 1)  # its score is below the threshold
    detector = Detector(
        Model.load(str(onnx_models.write_constant_model(tmp_path / "a.onnx", rows))),
        DetectorConfig(),
    )
    with pytest.raises(
        BrokenError,
        match="Model a gives values that are not finite numbers, 1 of 1800 in its output",
    ):
        detector.detect(np.zeros((48, 64, 3), np.uint8))


def test_class_ids_that_are_not_whole_numbers_are_an_error(tmp_path: Path) -> None:
    # A class, a box in shares and a score, read as a box, a score and a class.
    rows = np.array([[[1, 0.1, 0.2, 0.5, 0.6, 0.9]]], np.float32)
    path = onnx_models.write_constant_model(tmp_path / "a.onnx", rows, family="end-to-end")
    detector = Detector(Model.load(str(path)), DetectorConfig())
    with pytest.raises(BrokenError, match="what should be class ids are not whole numbers"):
        detector.detect(np.zeros((48, 64, 3), np.uint8))


def test_a_class_id_that_contradicts_the_card_ends_the_run(tmp_path: Path) -> None:
    rows = np.zeros((1, 300, 6), np.float32)
    rows[0, 0] = (8, 8, 30, 30, 0.9, 0)
    path = onnx_models.write_constant_model(tmp_path / "a.onnx", rows, first_class_id=1)
    detector = Detector(Model.load(str(path)), DetectorConfig())
    with pytest.raises(BrokenError, match=r"object of class 0, but its labels .* 1 to 2"):
        detector.detect(np.zeros((48, 64, 3), np.uint8))


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
def test_a_model_whose_outputs_have_the_names_of_a_family_but_other_shapes_is_refused(
    tmp_path: Path, names: tuple[str, ...], family: str
) -> None:
    # The file does not give the sizes of the outputs. Only a run shows that they do not fit.
    nodes = [helper.make_node("Identity", ["one"], [name]) for name in names]
    path = onnx_models.write_model(
        tmp_path / "a.onnx",
        *nodes,
        inputs=IMAGE,
        outputs={name: ["n"] for name in names},
        weights={"one": [1.0]},
    )
    card = {"labels": ["a"], "family": family}
    path.with_suffix(".json").write_text(json.dumps(card))
    assert f'its card says family = "{family}"' in refusal(path)


def test_outputs_that_change_their_shape_are_an_error(tmp_path: Path) -> None:
    # The number of columns is the largest pixel value of the image, from 0 to 1.
    sizes = helper.make_node("Cast", ["share"], ["whole"], to=onnx.TensorProto.INT64)
    path = onnx_models.write_model(
        tmp_path / "a.onnx",
        helper.make_node("ReduceMax", ["images"], ["share"], keepdims=0),
        sizes,
        helper.make_node("Reshape", ["whole", "flat"], ["width"]),
        helper.make_node("Slice", ["rows", "none", "width", "last"], ["output0"]),
        inputs=IMAGE,
        outputs={"output0": [1, 300, 6]},
        weights={"rows": np.zeros((1, 300, 6)), "flat": [1], "none": [0], "last": [2]},
    )
    path.with_suffix(".json").write_text(json.dumps({"labels": ["a"]}))
    detector = Detector(Model.load(str(path)), DetectorConfig())
    with pytest.raises(BrokenError, match=r"gives outputs of the shapes \(1, 300, 0\), which"):
        detector.detect(np.zeros((64, 64, 3), np.uint8))


def write_with_metadata(path: Path, key: bytes, value: bytes) -> Path:
    """Write the default model with one more entry of metadata, and return its path."""
    entry = b"".join(bytes([tag, len(text)]) + text for tag, text in ((10, key), (18, value)))
    path.write_bytes(DEFAULT_MODEL.read_bytes() + bytes([14 << 3 | 2, len(entry)]) + entry)
    return path


def test_a_model_whose_metadata_are_not_text_is_refused(tmp_path: Path) -> None:
    assert "are not text in UTF-8" in refusal(
        write_with_metadata(tmp_path / "a.onnx", b"k", b"\xff\xfe")
    )


def test_a_graph_without_outputs_is_refused(tmp_path: Path) -> None:
    model = onnx.load(str(DEFAULT_MODEL))
    del model.graph.output[:]
    onnx.save(model, str(tmp_path / "a.onnx"))
    message = refusal(tmp_path / "a.onnx")
    assert "it has no outputs" in message or "ONNX Runtime cannot load it" in message


def test_a_model_whose_card_lacks_a_required_key_is_refused(tmp_path: Path) -> None:
    path = onnx_models.write_model(
        tmp_path / "a.onnx",
        helper.make_node("Identity", ["rows"], ["boxes"]),
        helper.make_node("Identity", ["one"], ["count"]),
        inputs={**IMAGE, "scale_factor": [1, 2]},
        outputs={"boxes": ["n", 6], "count": [1]},
        weights={"rows": [[1.0, 0.5, 16.0, 16.0, 32.0, 48.0]], "one": [1.0]},
    )
    card = path.with_suffix(".json")
    card.write_text(json.dumps({"labels": ["a", "b"], "preprocess": {"std": [1, 1, 1]}}))
    message = refusal(path)
    assert "models of its family, 'paddle', differ in their preprocessing" in message
    assert "Write mean below [preprocess] on the model card" in message
    preprocess = {"mean": [0, 0, 0], "std": [1, 1, 1]}
    card.write_text(json.dumps({"labels": ["a", "b"], "preprocess": preprocess}))
    detector = Detector(Model.load(str(path)), DetectorConfig())
    detections = detector.detect(np.zeros((96, 128, 3), np.uint8))
    assert detections.boxes.tolist() == [[32, 24, 64, 72]]
    assert detections.class_ids.tolist() == [1]
