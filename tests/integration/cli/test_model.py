"""`pretag model`: its output, files and exit codes, with changed copies of the default model."""

import json
import re
import shutil
import struct
import tomllib
import zlib
from pathlib import Path

import av
import cv2
import numpy as np
import onnx
import pytest
from PIL import Image as PillowImage

from pipeline.config.schema import DetectorConfig
from pipeline.detection.card import ModelCard
from pipeline.detection.coco_classes import COCO_80
from pipeline.detection.detector import Detector
from pipeline.detection.model import MODELS_DIRECTORY, Model
from pipeline.digest import sha256_of_file
from pipeline.frame import Image
from pipeline.text import printable
from tests.support import clips, onnx_models
from tests.support.command import Pretag

DEFAULT = MODELS_DIRECTORY / "ssdlite_mobilenet_v2_coco.onnx"
# Texts that need escaping in TOML, or that could control a terminal or rich's markup.
SPECIAL_TEXTS = (
    'a "quoted" \\ one',
    "[/red]",
    ":smile:",
    "Fußgänger",
    "\U0001f600",
    "\x7f\x1b[31m\n",
    "",
)


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    path = tmp_path / "my model.onnx"
    shutil.copy(DEFAULT, path)
    return path


@pytest.fixture(scope="module")
def frame() -> Image:
    with av.open(str(clips.SAMPLE)) as container:
        decoded = next(clips.decoded_frames(container)).to_ndarray(format="bgr24")
    return np.asarray(decoded, dtype=np.uint8)


@pytest.fixture
def image_file(frame: Image, tmp_path: Path) -> Path:
    path = tmp_path / "frame.png"
    cv2.imwrite(str(path), frame)
    return path


def set_labels(path: Path, labels: tuple[str, ...] | None) -> Path:
    """Change the labels in the metadata of a model; None: remove them."""
    model = onnx.load(str(path))
    names = next(entry for entry in model.metadata_props if entry.key == "names")
    if labels is None:
        model.metadata_props.remove(names)
    else:
        names.value = json.dumps(labels)
    onnx.save(model, str(path))
    return path


def keep_three_classes(path: Path) -> Path:
    """Remove all but three classes and the labels from the default model."""
    model = onnx.load(str(set_labels(path, None)))
    output = model.graph.output[0]
    for name, value in (("start", 0), ("end", 7), ("axis", 1)):
        tensor = onnx.numpy_helper.from_array(np.array([value]), name)
        model.graph.initializer.append(tensor)
    cut = onnx.helper.make_node("Slice", [output.name, "start", "end", "axis"], ["cut"])
    model.graph.node.append(cut)
    output.name = "cut"
    output.type.tensor_type.shape.dim[1].dim_value = 7
    onnx.save(model, str(path))
    return path


def on_one_line(text: str) -> str:
    """Return the text of a table with single spaces and without line breaks."""
    return " ".join(text.split())


def test_list_marks_the_default_model(pretag: Pretag) -> None:
    done = pretag("model", "list")
    assert done.code == 0
    assert "*  ssdlite_mobilenet_v2_coco  Apache-2.0  469517c4dc98" in done.out


def test_list_shows_a_model_without_card(
    pretag: Pretag, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bare.onnx").touch()
    monkeypatch.setattr("pipeline.detection.model.MODELS_DIRECTORY", tmp_path)
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
    assert sha256_of_file(DEFAULT) in done.out  # not wrapped, so that it can be copied


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
    assert 'its card says family = "yolox"' in done.err
    as_json = pretag("model", "inspect", "--json", model_file)
    assert as_json.code == 1
    assert "family" not in json.loads(as_json.out)


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
    for unreadable in (tmp_path, tmp_path / "none.png", model_file):
        code, message = check(unreadable, out)
        assert (code, "cannot be read" in message) == (1, True)
    code, message = check(write_enormous_png(tmp_path / "enormous.png"), out)
    assert (code, "is too large" in message) == (1, True)
    assert not out.exists()
    for unwritable in ("no/where.png", "boxes.xyz", "."):
        code, message = check(image_file, tmp_path / unwritable)
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


def test_a_written_card_does_not_change_the_detections(
    pretag: Pretag, model_file: Path, frame: Image
) -> None:
    set_labels(model_file, (*(SPECIAL_TEXTS * 12)[:79], "last"))
    before = Model.load(str(model_file))
    done = pretag("model", "card", model_file)
    assert (done.code, done.out) == (0, f"Card: {model_file.with_suffix('.toml')}\n")
    card = ModelCard.for_model(model_file)
    assert card is not None
    assert (card.name, card.sha256, card.family) == ("my model", before.sha256, "ultralytics")
    after = Model.load(str(model_file))
    assert after.classes.source != before.classes.source
    assert after.labels == before.labels
    detections, detections_with_card = (
        Detector(each, DetectorConfig(score_threshold=0.1)).detect(frame)
        for each in (before, after)
    )
    assert len(detections) > 0
    np.testing.assert_array_equal(detections.boxes, detections_with_card.boxes)
    np.testing.assert_array_equal(detections.scores, detections_with_card.scores)
    np.testing.assert_array_equal(detections.class_ids, detections_with_card.class_ids)


def write_constant_model(path: Path, **outputs: list[int]) -> Path:
    """Write a model with two classes, any image size, and zeros as outputs of these shapes."""
    onnx_models.write_model(
        path,
        *(onnx.helper.make_node("Identity", [f"_{name}"], [name]) for name in outputs),
        inputs={"image": [1, 3, "height", "width"]},
        outputs={name: list(shape) for name, shape in outputs.items()},
        weights={
            **{f"_{name}": np.zeros(shape) for name, shape in outputs.items()},
            "class_labels_classifier.layers.2.bias": np.zeros(3),
        },
    )
    model = onnx.load(str(path))
    onnx.helper.set_model_props(model, {"names": '["a", "b"]'})
    onnx.save(model, str(path))
    return path


@pytest.mark.parametrize(
    ("outputs", "resize"),
    [
        (None, "letterbox"),
        (
            {
                "detection_boxes": [1, 9, 4],
                "detection_classes": [1, 9],
                "detection_scores": [1, 9],
                "num_detections": [1],
            },
            "none",
        ),
        ({"dets": [1, 9, 4], "labels": [1, 9, 3]}, "keep-ratio"),
        ({"logits": [1, 9, 3], "pred_boxes": [1, 9, 4]}, "patches"),
    ],
)
def test_a_written_card_has_the_preprocessing_in_comments(
    pretag: Pretag, model_file: Path, outputs: dict[str, list[int]] | None, resize: str
) -> None:
    if outputs is not None:
        write_constant_model(model_file, **outputs)
    before = Model.load(str(model_file)).spec.preprocess
    assert before.resize == resize
    pretag("model", "card", model_file)
    path = model_file.with_suffix(".toml")
    above, below = path.read_text().split("[preprocess]\n")
    keys = [line.removeprefix("# ") for line in below.splitlines() if re.match("# [a-z]+ =", line)]
    path.write_text("\n".join([above, "[preprocess]", *keys]))
    preprocess = tomllib.loads(path.read_text())["preprocess"]
    assert preprocess.keys() >= {"resize", "filter", "padding", "colour", "scale", "mean", "std"}
    assert ("width" in preprocess) == (resize != "none")
    assert Model.load(str(model_file)).spec.preprocess == before


def test_a_card_that_resizes_to_no_size_is_refused(pretag: Pretag, tmp_path: Path) -> None:
    path = write_constant_model(
        tmp_path / "a.onnx",
        detection_boxes=[1, 9, 4],
        detection_classes=[1, 9],
        detection_scores=[1, 9],
        num_detections=[1],
    )
    card = 'labels = ["a"]\n[preprocess]\nresize = "letterbox"\n'
    path.with_suffix(".toml").write_text(card)
    refused = pretag("model", "inspect", path)
    assert refused.code == 1
    assert "width and height under [preprocess]" in refused.err
    assert "tensorflow" in on_one_line(refused.out)
    path.with_suffix(".toml").write_text(f"{card}width = 320\nheight = 320\n")
    assert pretag("model", "inspect", path).code == 0


def test_an_existing_card_is_not_overwritten(pretag: Pretag, model_file: Path) -> None:
    model_file.with_suffix(".json").write_text("{}")
    done = pretag("model", "card", model_file)
    assert (done.code, "Edit it, or delete it" in done.err) == (1, True)
    assert not model_file.with_suffix(".toml").exists()


def test_a_card_for_a_model_without_labels_has_a_commented_line_for_each(
    pretag: Pretag, model_file: Path
) -> None:
    keep_three_classes(model_file)
    refused = pretag("model", "inspect", model_file)
    assert (refused.code, "'labels'" in refused.err) == (1, True)
    assert pretag("model", "card", model_file).code == 0
    path = model_file.with_suffix(".toml")
    text = path.read_text()
    commented = '# labels = [\n#   "",  # 0\n#   "",  # 1\n#   "",  # 2\n# ]\n'
    assert commented in text
    assert 'family = "ultralytics"' in text
    path.write_text(text.replace(commented, 'labels = ["a", "b", "c"]\n'))
    assert Model.load(str(model_file)).labels == ("a", "b", "c")


def test_a_card_has_the_labels_of_the_metadata_also_if_their_number_is_wrong(
    pretag: Pretag, model_file: Path
) -> None:
    set_labels(model_file, COCO_80[:79])
    assert pretag("model", "card", model_file).code == 0
    card = ModelCard.for_model(model_file)
    assert card is not None
    assert card.labels == COCO_80[:79]
    assert "are 79, and it has 80 classes" in model_file.with_suffix(".toml").read_text()


def test_a_card_for_an_unknown_model_names_the_families(pretag: Pretag, tmp_path: Path) -> None:
    path = tmp_path / "flat.onnx"
    image, flat = (
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
        for name, shape in (("image", [1, 3, 8, 8]), ("two\nlines", [1, 192]))
    )
    nodes = [onnx.helper.make_node("Flatten", ["image"], ["two\nlines"])]
    graph = onnx.helper.make_graph(nodes, "flat", [image], [flat])
    opset = [onnx.helper.make_opsetid("", 17)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opset, ir_version=8), str(path))
    assert pretag("model", "inspect", path).code == 1
    assert pretag("model", "card", path).code == 0
    text = path.with_suffix(".toml").read_text()
    assert "# One of tensorflow, " in text
    assert '# family = ""' in text
    card = ModelCard.for_model(path)
    assert card is not None
    assert (card.family, card.labels) == (None, None)
