"""`pretag model card`: the written cards, and how models with cards are read."""

import re
import tomllib
from pathlib import Path

import numpy as np
import onnx
import pytest

from pipeline.config.schema import DetectorConfig
from pipeline.detection.card import ModelCard
from pipeline.detection.coco_classes import COCO_80
from pipeline.detection.detector import Detector
from pipeline.detection.model import Model
from pipeline.detection.registry import FAMILIES
from pipeline.frame import Image
from tests.support import onnx_models
from tests.support.command import Pretag, on_one_line
from tests.support.default_model import SPECIAL_TEXTS, keep_three_classes, set_labels


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
    assert after.label_map.source != before.label_map.source
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
    assert "width and height" in refused.err
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
    assert "`pretag model card`" not in text  # the error names the command that wrote this card
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
    assert "80 classes" in model_file.with_suffix(".toml").read_text()


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
    assert f"# One of {FAMILIES[0].name}, " in text
    assert '# family = ""' in text
    card = ModelCard.for_model(path)
    assert card is not None
    assert (card.family, card.labels) == (None, None)


@pytest.mark.parametrize(
    ("outputs", "first_class_id", "line"),
    [
        (
            {
                "detection_boxes": [1, 9, 4],
                "detection_classes": [1, 9],
                "detection_scores": [1, 9],
                "num_detections": [1],
            },
            1,
            "# Class 0 is the background. The first label is that of class 1.",
        ),
        (
            {"dets": [1, 9, 4], "labels": [1, 9, 2]},
            0,
            "# The first label is that of class 0. Write 1 if class 0 is the background.",
        ),
    ],
)
def test_a_card_says_how_the_list_of_labels_begins(
    pretag: Pretag, tmp_path: Path, outputs: dict[str, list[int]], first_class_id: int, line: str
) -> None:
    path = write_constant_model(tmp_path / "a.onnx", **outputs)
    assert pretag("model", "card", path).code == 0
    assert f"{line}\n# first_class_id = {first_class_id}\n" in path.with_suffix(".toml").read_text()
