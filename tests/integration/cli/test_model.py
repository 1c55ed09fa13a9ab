"""`pretag model list`, `inspect` and `check`: output, files and exit codes."""

import json
import re
import struct
import zlib
from pathlib import Path

import cv2
import onnx
import pytest
from PIL import Image as PillowImage

from pipeline.config.schema import DetectorConfig
from pipeline.detection.coco_classes import COCO_80
from pipeline.detection.detector import Detector
from pipeline.detection.model import Model
from pipeline.digest import sha256_of_file
from pipeline.frame import Image
from pipeline.text import printable
from tests.support.command import Pretag, on_one_line
from tests.support.default_model import DEFAULT_MODEL, SPECIAL_TEXTS, set_labels
from tests.support.family_exports import detr


@pytest.fixture
def image_file(frame: Image, tmp_path: Path) -> Path:
    path = tmp_path / "frame.png"
    cv2.imwrite(str(path), frame)
    return path


def test_list_marks_the_default_model(pretag: Pretag) -> None:
    done = pretag("model", "list")
    assert done.code == 0
    assert "*  ssdlite_mobilenet_v2_coco  Apache-2.0  469517c4dc98" in done.out


def test_list_shows_a_model_without_card(
    pretag: Pretag, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bare.onnx").touch()
    monkeypatch.setattr("pipeline.detection.model_folder.MODELS_DIRECTORY", tmp_path)
    assert "bare ? ? no model card" in on_one_line(pretag("model", "list").out)


@pytest.mark.parametrize("columns", ["80", "120"])
def test_inspect_prints_a_table_that_fits_the_terminal(
    pretag: Pretag, monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    done = pretag("model", "inspect", "ssdlite_mobilenet_v2_coco")
    assert (done.code, done.err) == (0, "")
    assert max(map(len, done.out.splitlines())) <= int(columns)
    shown = on_one_line(done.out)
    for row in (
        "megabytes 18.0",
        "inputs images: 1 x 3 x 300 x 300 float32",
        "outputs output0: 1 x 84 x 1917 float32",
        "family ultralytics why 'output0",
        "picture letterbox to 300 x 300 (linear), RGB, pixel / 255",
        "nms yes",
        "labels person, bicycle, car, motorcycle, airplane... (80)",
        "labels from ",
        "thresholds score 0.4, iou 0.5",
        "medians of 5 runs on one thread, grey 1920 x 1080 image",
    ):
        assert row in shown
    assert sha256_of_file(DEFAULT_MODEL) in done.out  # not wrapped, so that it can be copied


def test_inspect_prints_json(pretag: Pretag, model_file: Path) -> None:
    done = pretag("model", "inspect", "--json", model_file)
    assert done.code == 0
    about = json.loads(done.out)
    assert about["file"] == str(model_file)
    assert about["card"] is None
    assert (about["family"], tuple(about["labels"])) == ("ultralytics", COCO_80)
    times = about["milliseconds"]
    assert list(times) == ["preprocess", "inference", "postprocess"]
    assert all(value > 0 for value in times.values())
    assert times["postprocess"] < times["inference"]


def test_inspect_shows_the_preprocessing_of_the_card(pretag: Pretag, model_file: Path) -> None:
    model_file.with_suffix(".toml").write_text(
        '[preprocess]\nresize = "top-left"\ncolour = "bgr"\nscale = 1.0\n'
        "mean = [103.5, 116, 123]\nstd = [57, 57, 58]\nfilter = 'antialias'\n"
    )
    about = json.loads(pretag("model", "inspect", "--json", model_file).out)
    assert about["card"] == str(model_file.with_suffix(".toml"))
    assert about["picture"] == (
        "top-left to 300 x 300 (antialias), BGR, (pixel - [103.5 116 123]) / [57 57 58]"
    )


def test_inspect_shows_what_is_known_of_a_refused_model(pretag: Pretag, model_file: Path) -> None:
    model_file.with_suffix(".toml").write_text('family = "yolox"')
    done = pretag("model", "inspect", model_file)
    assert done.code == 1
    assert "output0: 1 x 84 x 1917 float32" in on_one_line(done.out)
    assert '"yolox"' in done.err
    as_json = pretag("model", "inspect", "--json", model_file)
    assert as_json.code == 1
    assert "family" not in json.loads(as_json.out)


def test_inspect_and_check_say_which_parts_are_not_read(
    pretag: Pretag, model_file: Path, image_file: Path, tmp_path: Path
) -> None:
    model = onnx.load(str(model_file))
    metadata = {each.key: each.value for each in model.metadata_props}
    onnx.helper.set_model_props(model, {**metadata, "task": "pose"})
    onnx.save(model, str(model_file))
    assert json.loads(pretag("model", "inspect", "--json", model_file).out)["not_read"] == [
        "keypoints"
    ]
    arguments = ("--image", image_file, "--out", tmp_path / "boxes.png")
    done = pretag("model", "check", model_file, *arguments)
    assert "also gives keypoints. They are not read: the dataset has only upright" in done.err


def test_inner_outputs_are_named_by_check_and_not_warned_of(
    pretag: Pretag, image_file: Path, tmp_path: Path
) -> None:
    model_file = detr(tmp_path / "detr.onnx")
    model = onnx.load(str(model_file))
    (boxes,) = (each for each in model.graph.output if each.name == "pred_boxes")
    model.graph.node.add(op_type="Identity", input=[boxes.name], output=["last_hidden_state"])
    hidden = model.graph.output.add()
    hidden.CopyFrom(boxes)
    hidden.name = "last_hidden_state"
    onnx.save(model, str(model_file))
    arguments = ("--image", image_file, "--out", tmp_path / "boxes.png")
    done = pretag("model", "check", model_file, *arguments)
    assert "Not read: 'last_hidden_state'" in done.out
    assert "not read" not in done.err
    assert json.loads(pretag("model", "inspect", "--json", model_file).out)["not_read"] == [
        "'last_hidden_state'"
    ]


def test_labels_cannot_control_the_terminal(
    pretag: Pretag, model_file: Path, image_file: Path, tmp_path: Path
) -> None:
    labels = tuple(
        SPECIAL_TEXTS[number % 3] + SPECIAL_TEXTS[5] + str(number) for number in range(80)
    )
    set_labels(model_file, labels)
    shown = pretag("model", "inspect", model_file)
    assert shown.code == 0
    assert printable(labels[1]) in on_one_line(shown.out)
    done = pretag(
        "model", "check", model_file, "--image", image_file, "--out", tmp_path / "boxes.png"
    )
    assert done.code == 0
    assert printable(labels[0]) in done.out  # the label of a detected person
    assert "\x1b" not in shown.out + done.out


def test_check_draws_and_lists_the_detections(
    pretag: Pretag, model_file: Path, frame: Image, image_file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "boxes.png"
    done = pretag("model", "check", model_file, "--image", image_file, "--out", out)
    assert (done.code, done.err) == (0, "")
    detections = Detector(Model.load(str(model_file)), DetectorConfig()).detect(frame)
    rows = [line.split() for line in done.out.splitlines() if line.startswith(COCO_80)]
    assert len(rows) == len(detections) > 0
    assert [float(cell) for cell in rows[0][-4:]] == pytest.approx(detections.boxes[0], abs=0.051)
    assert f"{len(detections)} objects: " in done.out
    drawn = cv2.imread(str(out))
    assert drawn is not None
    changed = (drawn != frame).any(axis=2)
    assert 0 < changed.mean() < 0.2
    x1, y1, x2, y2 = map(round, detections.boxes[0].tolist())
    assert changed[y2, x1 : x2 + 1].all()  # the lower edge; the caption is above the box
    assert changed[y1 : y2 + 1, x1].all()


def test_check_applies_the_score_threshold(
    pretag: Pretag, model_file: Path, image_file: Path, tmp_path: Path
) -> None:
    arguments = (
        "model",
        "check",
        model_file,
        "--image",
        image_file,
        "--out",
        tmp_path / "boxes.png",
    )
    assert "\n0 objects: " in pretag(*arguments, "--score-threshold", 1).out
    assert pretag(*arguments, "--score-threshold", 2).code == 2


def test_check_finds_out_that_the_preprocessing_is_wrong(
    pretag: Pretag, model_file: Path, image_file: Path, tmp_path: Path
) -> None:
    arguments = ("--image", image_file, "--out", tmp_path / "boxes.png")
    right = pretag("model", "check", model_file, *arguments)
    card = model_file.with_suffix(".toml")
    card.write_text('[preprocess]\nscale = 1e-6\ncolour = "bgr"\nresize = "stretch"\n')
    done = pretag("model", "check", model_file, *arguments)
    assert done.code == 0
    assert "0 objects: " in done.out
    warning, advice = done.err.split("pretag: warning: ")[1:]
    assert "found nothing in 1 image. The best score was 0." in warning
    assert "stretch to 300 x 300 (linear), BGR, pixel / 1e+06'" in warning
    assert "with another preprocessing the model finds" in advice
    # The advice is a card, with which the model finds as much as with the right preprocessing.
    lines = advice.split("write on its card:\n\n")[1]
    assert "scale = 0.00392" in lines
    card.write_text(lines)
    corrected = pretag("model", "check", model_file, *arguments)
    assert corrected.err == ""
    count = int(re.findall(r"(\d+) objects: ", corrected.out)[0])
    assert count >= int(re.findall(r"(\d+) objects: ", right.out)[0]) > 0


def test_check_rotates_an_image_as_its_exif_orientation_says(
    pretag: Pretag, model_file: Path, frame: Image, tmp_path: Path
) -> None:
    photo, out = tmp_path / "photo.jpg", tmp_path / "boxes.png"
    exif = PillowImage.Exif()
    exif[0x0112] = 6  # orientation: rotate by 90 degrees clockwise
    PillowImage.fromarray(frame[:, :, ::-1].copy()).save(photo, exif=exif)
    assert pretag("model", "check", model_file, "--image", photo, "--out", out).code == 0
    drawn = cv2.imread(str(out))
    assert drawn is not None
    height, width = frame.shape[:2]
    assert drawn.shape == (width, height, 3)


def test_check_reports_an_image_that_cannot_be_read_or_written(
    pretag: Pretag, model_file: Path, image_file: Path, tmp_path: Path
) -> None:
    def check(image: Path, out: Path) -> tuple[int, str]:
        done = pretag("model", "check", model_file, "--image", image, "--out", out)
        return done.code, done.err

    out = tmp_path / "boxes.png"
    code, message = check(model_file, out)
    assert (code, "cannot be read" in message) == (1, True)
    code, message = check(write_enormous_png(tmp_path / "enormous.png"), out)
    assert (code, "is too large" in message) == (1, True)
    assert not out.exists()
    code, message = check(image_file, tmp_path / "boxes.xyz")
    assert (code, "cannot be written" in message) == (1, True)
    before = image_file.read_bytes()
    code, message = check(image_file, tmp_path / "." / image_file.name)
    assert (code, "is the same file as --image" in message) == (2, True)
    assert image_file.read_bytes() == before


def write_enormous_png(path: Path) -> Path:
    """Write a PNG file whose header says 10 gigapixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(b"")), chunk(b"IEND", b""))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    return path
