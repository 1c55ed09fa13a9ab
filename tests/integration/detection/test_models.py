"""The default model and changed copies of it: which are loaded, and which are refused."""

import json
import shutil
from pathlib import Path

import pytest

from pipeline.config.schema import DetectorConfig
from pipeline.detection.card import ModelCard
from pipeline.detection.detector import Detector
from pipeline.detection.model import Model
from pipeline.detection.model_folder import bundled_models, find_model_file
from pipeline.errors import BrokenError
from tests.support.default_model import DEFAULT_MODEL

pytestmark = pytest.mark.usefixtures("forked_children")


def copy_with_card(folder: Path, **card: object) -> str:
    """Write a copy of the default model with a card, and return the path of the model file."""
    path = folder / "mine.onnx"
    shutil.copy(DEFAULT_MODEL, path)
    path.with_suffix(".json").write_text(json.dumps(card))
    return str(path)


def copy_with_change(folder: Path, old: bytes, new: bytes) -> str:
    """Write a copy of the default model in which bytes are replaced, and return its path."""
    data = DEFAULT_MODEL.read_bytes()
    assert len(old) == len(new)
    assert old in data
    path = folder / "changed.onnx"
    path.write_bytes(data.replace(old, new))
    return str(path)


def test_the_default_model_is_bundled_with_its_card() -> None:
    assert DEFAULT_MODEL in bundled_models()
    card = ModelCard.for_model(DEFAULT_MODEL)
    assert card is not None
    model = Model.load(DetectorConfig().model)
    assert card.sha256 == model.sha256
    assert card.name == model.name
    assert model.labels[:3] == ("person", "bicycle", "car")
    assert model.family == "ultralytics"
    assert (model.image_input.width, model.image_input.height) == (300, 300)


def test_a_model_can_be_named_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.onnx"
    shutil.copy(DEFAULT_MODEL, path)
    assert find_model_file(str(path)) == path
    assert Model.load(str(path)).name == "mine"


def test_the_error_for_a_missing_model_names_the_bundled_models() -> None:
    with pytest.raises(BrokenError, match=r"no\.onnx does not exist\. .*ssdlite_mobilenet_v2_coco"):
        find_model_file("no.onnx")


def test_a_model_in_s3_is_refused_outside_the_lambda_function() -> None:
    with pytest.raises(BrokenError, match="is in S3, and only the Lambda function reads models"):
        Model.load("s3://models/mine.onnx")


def test_a_text_file_is_refused_with_a_message_of_one_line(tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_text("not a graph")
    with pytest.raises(BrokenError, match="is cut short, damaged or not an ONNX file") as caught:
        Model.load(str(tmp_path / "text.onnx"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.999])
def test_a_model_file_that_is_cut_short_is_refused(tmp_path: Path, share: float) -> None:
    data = DEFAULT_MODEL.read_bytes()
    path = tmp_path / "cut.onnx"
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(BrokenError, match=r"cut\.onnx is cut short, damaged or not an ONNX file"):
        Model.load(str(path))


def test_a_model_file_that_cannot_be_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mine.onnx"
    shutil.copy(DEFAULT_MODEL, path)

    def refuse(*_arguments: object, **_options: object) -> None:
        raise PermissionError(13, "Permission denied")

    # The permissions of the file are not enough, because root can read any file.
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(BrokenError, match=r"mine\.onnx cannot be read: Permission denied"):
        Model.load(str(path))


def test_a_model_file_above_the_size_limit_is_refused() -> None:
    with pytest.raises(BrokenError, match=r"it has 18\.\d MB, and detector\.max_megabytes allows"):
        Model.load(str(DEFAULT_MODEL), max_megabytes=18)


def test_a_provider_that_is_not_installed_is_refused() -> None:
    with pytest.raises(
        BrokenError, match=r"names 'CUDAExecutionProvider', which the installed .*Choose from"
    ):
        Model.load(str(DEFAULT_MODEL), providers=("CUDAExecutionProvider", "CPUExecutionProvider"))


def test_a_model_file_with_another_sha256_than_its_card_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BrokenError, match="it is not the file of its card: its sha256 is 469517c4"):
        Model.load(copy_with_card(tmp_path, sha256="0" * 64))


def test_a_card_changes_labels_preprocessing_and_thresholds(tmp_path: Path) -> None:
    labels = [f"thing {number}" for number in range(80)]
    preprocess = {"resize": "stretch", "colour": "bgr"}
    path = copy_with_card(tmp_path, labels=labels, preprocess=preprocess, thresholds={"score": 0.9})
    model = Model.load(path)
    assert model.labels == tuple(labels)
    assert (model.spec.preprocess.resize, model.spec.preprocess.colour) == ("stretch", "bgr")
    assert Detector(model, DetectorConfig()).score_threshold == 0.9
    assert Detector(model, DetectorConfig(score_threshold=0.1)).score_threshold == 0.1
    assert model.digest != Model.load(str(DEFAULT_MODEL)).digest


def test_the_first_class_id_of_the_card_moves_the_labels(tmp_path: Path) -> None:
    # The model has 80 classes. If the first one is the background, there are 79 labels.
    labels = [f"thing {number}" for number in range(79)]
    model = Model.load(copy_with_card(tmp_path, labels=labels, first_class_id=1))
    assert model.label_map.index_by_class_id.tolist() == [-1, *range(79)]
    digest = model.digest
    with pytest.raises(BrokenError, match=r"it has 80 classes, but the number of its labels .* 79"):
        Model.load(copy_with_card(tmp_path, labels=labels, first_class_id=0))
    labels.append("thing 79")
    assert Model.load(copy_with_card(tmp_path, labels=labels)).digest != digest
    with pytest.raises(BrokenError, match="first_class_id"):
        Model.load(copy_with_card(tmp_path, first_class_id=2))


def test_a_card_with_an_unknown_family_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BrokenError, match='its card has family = "yolo", which does not exist'):
        Model.load(copy_with_card(tmp_path, family="yolo"))


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
def test_a_card_with_another_size_than_the_input_is_refused(
    tmp_path: Path, preprocess: dict[str, object]
) -> None:
    with pytest.raises(
        BrokenError, match="its input is 300 x 300 pixels, but its card has the preprocessing '"
    ):
        Model.load(copy_with_card(tmp_path, preprocess=preprocess))


def test_the_description_on_a_card_does_not_change_the_digest(tmp_path: Path) -> None:
    first = Model.load(copy_with_card(tmp_path, description="one"))
    assert Model.load(copy_with_card(tmp_path, description="two")).digest == first.digest
    (tmp_path / "mine.json").unlink()
    assert Model.load(str(tmp_path / "mine.onnx")).digest == first.digest


def test_a_model_of_80_classes_without_labels_gets_those_of_coco(tmp_path: Path) -> None:
    model = Model.load(copy_with_change(tmp_path, b"\x05names", b"\x05nomes"))
    assert model.labels == Model.load(str(DEFAULT_MODEL)).labels
    assert model.label_map.source == "COCO, because the model has 80 classes and no labels"


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (b"['person']", r"the number of its labels \(from the metadata\) is 1"),
        (b"{0: 'person'", "'names' in its metadata is not a list of labels"),
        (b"{5: 'person'}", "'names' in its metadata is not a list of labels"),
    ],
)
def test_a_model_with_unusable_labels_is_refused_and_does_not_get_those_of_coco(
    tmp_path: Path, names: bytes, message: str
) -> None:
    data = DEFAULT_MODEL.read_bytes()
    start = data.index(b"{0: 'person'")
    old = data[start : data.index(b"}", start) + 1]
    with pytest.raises(BrokenError, match=message):
        Model.load(copy_with_change(tmp_path, old, names.ljust(len(old))))


def test_a_model_with_one_label_too_few_is_refused(tmp_path: Path) -> None:
    path = copy_with_change(tmp_path, b", 79: 'toothbrush'", b"                  ")
    with pytest.raises(BrokenError, match=r"it has 80 classes, but the number of .* is 79\."):
        Model.load(path)
