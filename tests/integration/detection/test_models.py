"""Loading models: the one that comes along, and those that must be refused."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import av
import numpy as np
import pytest

from pipeline.config.schema import DetectorConfig
from pipeline.detection.card import ModelCard
from pipeline.detection.detector import Detector, drop_empty_boxes
from pipeline.detection.model import MODELS_DIRECTORY, Model, bundled_models, find_model_file
from pipeline.errors import BrokenError, ConfigError
from pipeline.frame import Detections, Image
from tests.support import clips

DEFAULT = MODELS_DIRECTORY / "ssdlite_mobilenet_v2_coco.onnx"


def test_the_default_model_is_at_hand_with_its_card() -> None:
    assert DEFAULT in bundled_models()
    card = ModelCard.for_model(DEFAULT)
    assert card is not None
    model = Model.load(DetectorConfig().model)
    assert card.sha256 == model.sha256
    assert card.name == model.name
    assert model.labels[:3] == ("person", "bicycle", "car")
    assert (model.family, model.image_input.width, model.image_input.height) == (
        "ultralytics",
        300,
        300,
    )


def test_a_path_is_a_model_too(tmp_path: Path) -> None:
    path = tmp_path / "mine.onnx"
    shutil.copy(DEFAULT, path)
    assert find_model_file(str(path)) == path
    assert ModelCard.for_model(path) is None
    assert Model.load(str(path)).name == "mine"


def test_a_model_that_is_not_there() -> None:
    with pytest.raises(BrokenError, match=r"no\.onnx is not there: .*ssdlite_mobilenet_v2_coco"):
        find_model_file("no.onnx")


def test_a_model_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_text("not a graph")
    with pytest.raises(BrokenError, match="is cut short, damaged or no ONNX file") as caught:
        Model.load(str(tmp_path / "text.onnx"))
    assert "\n" not in str(caught.value)


def test_a_model_that_is_not_the_one_on_its_card(tmp_path: Path) -> None:
    path = tmp_path / "mine.onnx"
    shutil.copy(DEFAULT, path)
    card = DEFAULT.with_suffix(".toml").read_text().replace("469517c4", "00000000")
    path.with_suffix(".toml").write_text(card)
    with pytest.raises(BrokenError, match="is not the one on its card"):
        Model.load(str(path))


@pytest.mark.parametrize("text", ["name = ", "nome = 1", "sha256 = 'x'", "\xff"])
def test_a_card_that_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "mine.toml").write_bytes(text.encode("latin-1"))
    with pytest.raises(BrokenError, match=r"mine\.toml is not valid"):
        ModelCard.for_model(tmp_path / "mine.onnx")


def patched(tmp_path: Path, old: bytes, new: bytes) -> str:
    data = DEFAULT.read_bytes()
    assert len(old) == len(new)
    assert old in data
    path = tmp_path / "patched.onnx"
    path.write_bytes(data.replace(old, new))
    return str(path)


def test_a_model_of_80_classes_without_names_is_taken_for_one_of_coco(tmp_path: Path) -> None:
    model = Model.load(patched(tmp_path, b"\x05names", b"\x05nomes"))
    assert model.labels == Model.load(str(DEFAULT)).labels
    assert model.label_map.source == "COCO's, for it has 80 classes and no names"


@pytest.mark.parametrize("share", [0.1, 0.5, 0.999])
def test_a_model_that_is_cut_short(tmp_path: Path, share: float) -> None:
    data = DEFAULT.read_bytes()
    path = tmp_path / "cut.onnx"
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(BrokenError, match=r"cut\.onnx is cut short, damaged or no ONNX file"):
        Model.load(str(path))


def test_a_model_that_is_too_large() -> None:
    with pytest.raises(BrokenError, match=r"it is 18\.\d MB, more than detector.max_megabytes"):
        Model.load(str(DEFAULT), max_megabytes=18)


def test_a_provider_that_is_not_installed() -> None:
    with pytest.raises(BrokenError, match="asks for 'CUDAExecutionProvider', and the installed"):
        Model.load(str(DEFAULT), providers=("CUDAExecutionProvider", "CPUExecutionProvider"))


def test_a_model_with_two_cards(tmp_path: Path) -> None:
    path = tmp_path / "mine.onnx"
    shutil.copy(DEFAULT, path)
    path.with_suffix(".toml").write_text("")
    path.with_suffix(".json").write_text("{}")
    with pytest.raises(BrokenError, match=r"two cards, mine\.toml and mine\.json: remove one"):
        Model.load(str(path))


def sample_picture() -> Image:
    with av.open(str(clips.SAMPLE)) as container:
        picture = next(clips.decoded_frames(container)).to_ndarray(format="bgr24")
    return np.asarray(picture, dtype=np.uint8)


def carded(tmp_path: Path, **card: object) -> str:
    path = tmp_path / "mine.onnx"
    shutil.copy(DEFAULT, path)
    path.with_suffix(".json").write_text(json.dumps(card))
    return str(path)


def test_what_a_card_says_counts(tmp_path: Path) -> None:
    labels = [f"thing {number}" for number in range(80)]
    card = {"labels": labels, "preprocess": {"resize": "stretch", "colour": "bgr"}}
    model = Model.load(carded(tmp_path, **card, thresholds={"score": 0.9}))
    assert model.labels == tuple(labels)
    assert (model.spec.preprocess.resize, model.spec.preprocess.colour) == ("stretch", "bgr")
    assert Detector(model, DetectorConfig()).score_threshold == 0.9
    assert Detector(model, DetectorConfig(score_threshold=0.1)).score_threshold == 0.1
    assert model.digest != Model.load(str(DEFAULT)).digest


def test_a_card_of_another_family(tmp_path: Path) -> None:
    with pytest.raises(BrokenError, match="its card names the family 'yolo', which does not exist"):
        Model.load(carded(tmp_path, family="yolo"))


def test_a_card_whose_description_changes_leaves_results_alone(tmp_path: Path) -> None:
    first = Model.load(carded(tmp_path, description="one"))
    assert Model.load(carded(tmp_path, description="two")).digest == first.digest
    (tmp_path / "mine.json").unlink()
    assert Model.load(str(tmp_path / "mine.onnx")).digest == first.digest


def test_threads_find_what_one_finds() -> None:
    detector = Detector(Model.load(str(DEFAULT)), DetectorConfig(score_threshold=0.1))
    picture = sample_picture()
    pictures = [np.ascontiguousarray(np.roll(picture, 40 * each, axis=1)) for each in range(8)]
    alone = [detector.detect(each) for each in pictures]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(detector.detect, pictures * 2))
    for one, other in zip(alone * 2, together, strict=True):
        assert len(one) > 5
        assert np.array_equal(one.boxes, other.boxes)
        assert np.array_equal(one.scores, other.scores)


def test_an_allowed_class_is_all_that_is_found() -> None:
    model, picture = Model.load(str(DEFAULT)), sample_picture()
    every = Detector(model, DetectorConfig()).detect(picture)
    cars = Detector(model, DetectorConfig(classes=("car",))).detect(picture)
    assert {0, 2} < set(every.class_ids.tolist())
    assert cars.boxes.tolist() == every.boxes[every.class_ids == 2].tolist()


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (b"['person']", r"\(its metadata's\) are 1, and it has 80 classes"),
        (b"{0: 'person'", "its metadata has 'names', and it is no list of labels"),
        (b"{5: 'person'}", "its metadata has 'names', and it is no list of labels"),
    ],
)
def test_a_model_whose_labels_do_not_fit_is_not_taken_for_one_of_coco(
    tmp_path: Path, names: bytes, says: str
) -> None:
    data = DEFAULT.read_bytes()
    start = data.index(b"{0: 'person'")
    end = data.index(b"}", start) + 1
    path = tmp_path / "patched.onnx"
    path.write_bytes(data[:start] + names.ljust(end - start) + data[end:])
    with pytest.raises(BrokenError, match=says):
        Model.load(str(path))


def test_a_model_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mine.onnx"
    shutil.copy(DEFAULT, path)

    def refused(*_arguments: object, **_options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refused)  # the tests may run as root, who may read all
    with pytest.raises(BrokenError, match=r"mine\.onnx cannot be read: Permission denied"):
        Model.load(str(path))


def test_slivers_are_left_out() -> None:
    boxes = np.array([[0, 0, 5, 5], [3, 3, 3, 9], [1, 1, 1.005, 4]], dtype=np.float32)
    found = Detections(boxes, np.ones(3, dtype=np.float32), np.zeros(3, dtype=np.int64))
    assert drop_empty_boxes(found).boxes.tolist() == [[0, 0, 5, 5]]


def test_a_model_of_another_layout(tmp_path: Path) -> None:
    # One label less than the output has class rows.
    with pytest.raises(BrokenError, match=r"labels \(its metadata's\) are 79, and it has 80"):
        Model.load(patched(tmp_path, b", 79: 'toothbrush'", b"                  "))


def test_a_class_that_the_model_does_not_know() -> None:
    model = Model.load(str(DEFAULT))
    with pytest.raises(ConfigError, match=r"'detector\.classes' names 'persn'.*mean 'person'"):
        Detector(model, DetectorConfig(classes=("car", "persn")))
    with pytest.raises(ConfigError, match="it knows person, bicycle"):
        Detector(model, DetectorConfig(classes=("zzzzzzz",)))


@pytest.mark.parametrize("shape", [(1, 1, 3), (4000, 7, 3), (50, 900, 3)])
def test_pictures_of_any_shape(shape: tuple[int, int, int]) -> None:
    detector = Detector(Model.load(str(DEFAULT)), DetectorConfig(score_threshold=0.01))
    found = detector.detect(np.full(shape, 90, dtype=np.uint8))
    limit = [shape[1], shape[0]] * 2
    assert (found.boxes >= 0).all()
    assert (found.boxes <= limit).all()
    assert (np.diff(found.scores) <= 0).all()


def test_a_stopped_detector_fails_and_its_model_lives_on() -> None:
    model, picture = Model.load(str(DEFAULT)), np.zeros((96, 96, 3), dtype=np.uint8)
    stopped = Detector(model, DetectorConfig())
    stopped.stop()
    with pytest.raises(Exception, match="terminate"):
        stopped.detect(picture)
    assert len(Detector(model, DetectorConfig()).detect(picture)) == 0
