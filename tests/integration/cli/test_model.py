"""`pretag model` as a person meets it, with the default model under other names and labels."""

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
# What breaks TOML, a terminal or rich's markup.
ODD = ('a "quoted" \\ one', "[/red]", ":smile:", "Fußgänger", "\U0001f600", "\x7f\x1b[31m\n", "")


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "my model.onnx"
    shutil.copy(DEFAULT, path)
    return path


@pytest.fixture(scope="module")
def frame() -> Image:
    with av.open(str(clips.SAMPLE)) as container:
        decoded = next(clips.decoded_frames(container)).to_ndarray(format="bgr24")
    return np.asarray(decoded, dtype=np.uint8)


@pytest.fixture
def picture(frame: Image, tmp_path: Path) -> Path:
    path = tmp_path / "frame.png"
    cv2.imwrite(str(path), frame)
    return path


def relabelled(path: Path, labels: tuple[str, ...] | None) -> Path:
    """Give a model other names in its metadata; None: none at all."""
    model = onnx.load(str(path))
    names = next(entry for entry in model.metadata_props if entry.key == "names")
    if labels is None:
        model.metadata_props.remove(names)
    else:
        names.value = json.dumps(labels)
    onnx.save(model, str(path))
    return path


def with_three_classes(path: Path) -> Path:
    """Leave the default model three classes, and no names for them."""
    model = onnx.load(str(relabelled(path, None)))
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


def words(text: str) -> str:
    return " ".join(text.split())


def test_list_shows_the_default(pretag: Pretag) -> None:
    done = pretag("model", "list")
    assert done.code == 0
    assert "*  ssdlite_mobilenet_v2_coco  Apache-2.0" in done.out


@pytest.mark.parametrize("columns", ["80", "120"])
def test_inspect(pretag: Pretag, monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    done = pretag("model", "inspect", "ssdlite_mobilenet_v2_coco")
    assert (done.code, done.err) == (0, "")
    assert max(map(len, done.out.splitlines())) <= int(columns)
    shown = words(done.out)
    for row in (
        "megabytes 18.0",
        "inputs images: 1 x 3 x 300 x 300 float32",
        "outputs output0: 1 x 84 x 1917 float32",
        "family ultralytics why 'output0",
        "picture letterbox to 300 x 300 (linear), RGB, pixel / 255",
        "nms yes",
        "labels person, bicycle, car, motorcycle, airplane... (80)",
        "labels from its metadata's",
        "thresholds score 0.4, iou 0.5",
        "medians of 5 runs on one thread, blank 1920 x 1080 picture",
    ):
        assert row in shown
    assert sha256_of_file(DEFAULT) in done.out  # in one piece, to be copied


def test_inspect_as_json(pretag: Pretag, mine: Path) -> None:
    done = pretag("model", "inspect", "--json", mine)
    assert done.code == 0
    about = json.loads(done.out)
    assert about["file"] == str(mine)
    assert about["card"] is None
    assert (about["family"], tuple(about["labels"])) == ("ultralytics", COCO_80)
    times = about["milliseconds"]
    assert list(times) == ["preprocess", "inference", "postprocess"]
    assert all(value > 0 for value in times.values())
    assert times["postprocess"] < times["inference"]


def test_inspect_says_what_other_inputs_want(pretag: Pretag, mine: Path) -> None:
    mine.with_suffix(".toml").write_text(
        '[preprocess]\nresize = "top-left"\ncolour = "bgr"\nscale = 1.0\n'
        "mean = [103.5, 116, 123]\nstd = [57, 57, 58]\nfilter = 'antialias'\n"
    )
    about = json.loads(pretag("model", "inspect", "--json", mine).out)
    assert about["card"] == str(mine.with_suffix(".toml"))
    assert about["picture"] == (
        "top-left to 300 x 300 (antialias), BGR, (pixel - [103.5 116 123]) / [57 57 58]"
    )


def test_inspect_of_a_refused_model_shows_what_it_is(pretag: Pretag, mine: Path) -> None:
    mine.with_suffix(".toml").write_text('family = "yolox"')
    done = pretag("model", "inspect", mine)
    assert done.code == 1
    assert "output0: 1 x 84 x 1917 float32" in words(done.out)
    assert 'its card says family = "yolox"' in done.err
    as_json = pretag("model", "inspect", "--json", mine)
    assert as_json.code == 1
    assert "family" not in json.loads(as_json.out)


def test_what_a_file_says_does_nothing_to_the_terminal(
    pretag: Pretag, mine: Path, picture: Path, tmp_path: Path
) -> None:
    labels = tuple(ODD[number % 3] + ODD[5] + str(number) for number in range(80))
    relabelled(mine, labels)
    shown = pretag("model", "inspect", mine)
    assert shown.code == 0
    assert printable(labels[1]) in words(shown.out)
    done = pretag("model", "check", mine, "--image", picture, "--out", tmp_path / "boxes.png")
    assert done.code == 0
    assert printable(labels[0]) in done.out  # a person
    assert "\x1b" not in shown.out + done.out


def test_check_draws_what_it_finds(
    pretag: Pretag, mine: Path, frame: Image, picture: Path, tmp_path: Path
) -> None:
    out = tmp_path / "boxes.png"
    done = pretag("model", "check", mine, "--image", picture, "--out", out)
    assert (done.code, done.err) == (0, "")
    found = Detector(Model.load(str(mine)), DetectorConfig()).detect(frame)
    rows = [line.split() for line in done.out.splitlines() if line.startswith(COCO_80)]
    assert len(rows) == len(found) > 0
    assert [float(side) for side in rows[0][-4:]] == pytest.approx(found.boxes[0], abs=0.051)
    assert f"{len(found)} objects: " in done.out
    drawn = cv2.imread(str(out))
    assert drawn is not None
    changed = (drawn != frame).any(axis=2)
    assert 0 < changed.mean() < 0.2
    x1, y1, x2, y2 = map(round, found.boxes[0].tolist())
    assert changed[y2, x1 : x2 + 1].all()  # its lower edge; captions are above
    assert changed[y1 : y2 + 1, x1].all()


def test_check_with_another_threshold(
    pretag: Pretag, mine: Path, picture: Path, tmp_path: Path
) -> None:
    arguments = ("model", "check", mine, "--image", picture, "--out", tmp_path / "boxes.png")
    assert "\n0 objects: " in pretag(*arguments, "--score-threshold", 1).out
    assert pretag(*arguments, "--score-threshold", 2).code == 2


def test_check_turns_a_picture_as_its_camera_said(
    pretag: Pretag, mine: Path, frame: Image, tmp_path: Path
) -> None:
    photo, out = tmp_path / "photo.jpg", tmp_path / "boxes.png"
    exif = PillowImage.Exif()
    exif[0x0112] = 6  # Orientation: to be turned by 90 degrees clockwise
    PillowImage.fromarray(frame[:, :, ::-1].copy()).save(photo, exif=exif)
    assert pretag("model", "check", mine, "--image", photo, "--out", out).code == 0
    drawn = cv2.imread(str(out))
    assert drawn is not None
    height, width = frame.shape[:2]
    assert drawn.shape == (width, height, 3)


def test_check_says_what_is_wrong_with_a_picture(
    pretag: Pretag, mine: Path, picture: Path, tmp_path: Path
) -> None:
    def check(image: Path, out: Path) -> tuple[int, str]:
        done = pretag("model", "check", mine, "--image", image, "--out", out)
        return done.code, done.err

    out = tmp_path / "boxes.png"
    for unreadable in (tmp_path, tmp_path / "none.png", mine):
        code, said = check(unreadable, out)
        assert (code, "none that OpenCV reads" in said) == (1, True)
    code, said = check(enormous(tmp_path / "enormous.png"), out)
    assert (code, "is too large" in said) == (1, True)
    assert not out.exists()
    for unwritable in ("no/where.png", "boxes.xyz", "."):
        code, said = check(picture, tmp_path / unwritable)
        assert (code, "cannot be written" in said) == (1, True)
    before = picture.read_bytes()
    code, said = check(picture, tmp_path / "." / picture.name)
    assert (code, "is the picture itself" in said) == (2, True)
    assert picture.read_bytes() == before


def enormous(path: Path) -> Path:
    """Write a PNG of 10 gigapixels, or so its header says."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(b"")), chunk(b"IEND", b""))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))
    return path


def test_a_written_card_changes_nothing(pretag: Pretag, mine: Path, frame: Image) -> None:
    relabelled(mine, (*(ODD * 12)[:79], "last"))
    before = Model.load(str(mine))
    done = pretag("model", "card", mine)
    assert (done.code, done.out) == (0, f"Card: {mine.with_suffix('.toml')}\n")
    card = ModelCard.for_model(mine)
    assert card is not None
    assert (card.name, card.sha256, card.family) == ("my model", before.sha256, "ultralytics")
    after = Model.load(str(mine))
    assert after.classes.source == "its card's"
    assert after.labels == before.labels
    found, again = (
        Detector(each, DetectorConfig(score_threshold=0.1)).detect(frame)
        for each in (before, after)
    )
    assert len(found) > 0
    np.testing.assert_array_equal(found.boxes, again.boxes)
    np.testing.assert_array_equal(found.scores, again.scores)
    np.testing.assert_array_equal(found.class_ids, again.class_ids)


def constants(path: Path, **outputs: list[int]) -> Path:
    """Write a model of two classes, for any picture, that gives tensors of these shapes."""
    onnx_models.model(
        path,
        *(onnx.helper.make_node("Identity", [f"_{name}"], [name]) for name in outputs),
        inputs={"picture": [1, 3, "height", "width"]},
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
def test_a_written_card_spells_out_the_preprocessing(
    pretag: Pretag, mine: Path, outputs: dict[str, list[int]] | None, resize: str
) -> None:
    if outputs is not None:
        constants(mine, **outputs)
    before = Model.load(str(mine)).spec.preprocess
    assert before.resize == resize
    pretag("model", "card", mine)
    path = mine.with_suffix(".toml")
    above, below = path.read_text().split("[preprocess]\n")
    keys = [line.removeprefix("# ") for line in below.splitlines() if re.match("# [a-z]+ =", line)]
    path.write_text("\n".join([above, "[preprocess]", *keys]))
    said = tomllib.loads(path.read_text())["preprocess"]
    assert said.keys() >= {"resize", "filter", "padding", "colour", "scale", "mean", "std"}
    assert ("width" in said) == (resize != "none")
    assert Model.load(str(mine)).spec.preprocess == before


def test_a_card_that_gives_a_free_picture_no_size(pretag: Pretag, tmp_path: Path) -> None:
    path = constants(
        tmp_path / "a.onnx",
        detection_boxes=[1, 9, 4],
        detection_classes=[1, 9],
        detection_scores=[1, 9],
        num_detections=[1],
    )
    card = 'labels = ["a"]\n[preprocess]\nresize = "letterbox"\n'
    path.with_suffix(".toml").write_text(card)
    refused = pretag("model", "inspect", path)
    assert (refused.code, "put width and height under [preprocess], too" in refused.err) == (
        1,
        True,
    )
    assert "tensorflow" in words(refused.out)  # what is known of it
    path.with_suffix(".toml").write_text(f"{card}width = 320\nheight = 320\n")
    assert pretag("model", "inspect", path).code == 0


def test_a_card_is_never_written_over(pretag: Pretag, mine: Path) -> None:
    mine.with_suffix(".json").write_text("{}")
    done = pretag("model", "card", mine)
    assert (done.code, "edit it, or remove it" in done.err) == (1, True)
    assert not mine.with_suffix(".toml").exists()


def test_a_card_for_a_model_without_names_has_room_for_them(pretag: Pretag, mine: Path) -> None:
    with_three_classes(mine)
    refused = pretag("model", "inspect", mine)
    assert (refused.code, "'labels'" in refused.err) == (1, True)
    assert pretag("model", "card", mine).code == 0
    path = mine.with_suffix(".toml")
    text = path.read_text()
    room = '# labels = [\n#   "",  # 0\n#   "",  # 1\n#   "",  # 2\n# ]\n'
    assert room in text
    assert 'family = "ultralytics"' in text
    path.write_text(text.replace(room, 'labels = ["a", "b", "c"]\n'))
    assert Model.load(str(mine)).labels == ("a", "b", "c")


def test_a_card_for_labels_that_do_not_fit_holds_those_there_are(
    pretag: Pretag, mine: Path
) -> None:
    relabelled(mine, COCO_80[:79])
    assert pretag("model", "card", mine).code == 0
    card = ModelCard.for_model(mine)
    assert card is not None
    assert card.labels == COCO_80[:79]
    assert "are 79, and it has 80 classes" in mine.with_suffix(".toml").read_text()


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
