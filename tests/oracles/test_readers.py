"""What the readers of other tools find in exports: no object lost, none moved, scores kept.

Each reader runs in an environment of its own: `make exports-oracles` makes them.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Export = Callable[..., Path]
    Written = Callable[..., dict[str, list[Any]]]

TOOLS = Path(".tools/oracles").absolute()
READERS = Path(__file__).parent / "readers"
LARGEST_MOVE_PIXELS = 0.01
BOTH = ("plain", "odd")


def read(environment: str, reader: str, *arguments: object, home: Path) -> dict[str, Any]:
    """Return what a reader printed: names of images without suffix, and objects."""
    variables = {
        **os.environ,
        "HOME": str(home),
        "HF_HUB_OFFLINE": "1",
        "FIFTYONE_DO_NOT_TRACK": "true",
        "YOLO_CONFIG_DIR": str(home),
        "YOLO_OFFLINE": "true",
    }
    finished = subprocess.run(
        [TOOLS / environment / "bin/python", READERS / f"{reader}.py", *map(str, arguments)],
        capture_output=True,
        text=True,
        env=variables,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr[-3000:]
    found: dict[str, Any] = json.loads(finished.stdout.splitlines()[-1])
    return found


def check(found: dict[str, Any], expected: dict[str, list[Any]], *, with_scores: bool) -> None:
    """Check that a reader found the same images and the same objects in them."""
    assert sorted(found["images"]) == sorted(expected)
    assert len(found["objects"]) == sum(map(len, expected.values()))
    for name, objects in expected.items():
        there = [each for each in found["objects"] if each["image"] == name]
        for label, bbox, score in objects:
            match = next(
                (each for each in there if each["label"] == label and is_close(each["box"], bbox)),
                None,
            )
            assert match is not None, (name, label, bbox, there)
            there.remove(match)
            assert match["score"] == (pytest.approx(score, abs=1e-6) if with_scores else None)
        assert not there


def is_close(box: list[float], bbox: list[float]) -> bool:
    """Tell whether no side moved by more than 0.01 pixels."""
    ours = (bbox[0], bbox[1], bbox[0] + bbox[2], bbox[1] + bbox[3])
    theirs = (box[0], box[1], box[0] + box[2], box[1] + box[3])
    moved = max(abs(one - other) for one, other in zip(ours, theirs, strict=True))
    return moved <= LARGEST_MOVE_PIXELS + 1e-9


def test_datumaro_reads_what_is_for_cvat(export: Export, written: Written, tmp_path: Path) -> None:
    folder = export("cvat", *BOTH)
    found = read("readers", "datumaro_reader", "coco_instances", folder, home=tmp_path)
    check(found, written(*BOTH), with_scores=True)
    assert [each.rpartition("-")[0] for each in found["subsets"]] == ["Höhe_1_2_x", "pedestrians"]


def test_datumaro_reads_tracks_on_the_frames_of_the_video(
    export: Export, written: Written, tmp_path: Path
) -> None:
    folder = export("cvat-video", "plain")
    found = read("readers", "datumaro_reader", "cvat", folder, home=tmp_path)
    expected = {name.rpartition("-")[2]: objects for name, objects in written("plain").items()}
    visible = [each for each in found["objects"] if not each["outside"]]
    names = [name for name, objects in expected.items() if objects]
    check({"images": names, "objects": visible}, expected, with_scores=True)
    ends = {each["frame"] for each in found["objects"] if each["outside"]}
    assert ends == {each["frame"] + 1 for each in visible}


@pytest.mark.parametrize(
    ("form", "reader_form", "with_scores"),
    [("voc", "voc", True), ("yolo", "yolo", False), ("roboflow", "roboflow_coco", True)],
)
def test_datumaro_reads_what_is_for_training(  # noqa: PLR0913, PLR0917 - fixtures
    export: Export,
    written: Written,
    tmp_path: Path,
    form: str,
    reader_form: str,
    with_scores: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    found = read("readers", "datumaro_reader", reader_form, export(form, *BOTH), home=tmp_path)
    check(found, written(*BOTH), with_scores=with_scores)


@pytest.mark.parametrize(
    ("form", "reader_form"), [("roboflow", "coco"), ("yolo",) * 2, ("voc",) * 2]
)
def test_supervision_reads_what_is_for_training(
    export: Export, written: Written, tmp_path: Path, form: str, reader_form: str
) -> None:
    found = read("readers", "supervision_reader", reader_form, export(form, *BOTH), home=tmp_path)
    check(found, written(*BOTH), with_scores=False)


def test_hugging_face_reads_images_with_their_objects(
    export: Export, written: Written, tmp_path: Path
) -> None:
    folder = export("huggingface", *BOTH)
    found = read("readers", "datasets_reader", folder, tmp_path / "cache", home=tmp_path)
    check(found, written(*BOTH), with_scores=True)


def test_hugging_face_reads_images_without_any_object(
    export: Export, written: Written, tmp_path: Path
) -> None:
    folder = export("huggingface", "empty")
    found = read("readers", "datasets_reader", folder, tmp_path / "cache", home=tmp_path)
    check(found, written("empty"), with_scores=True)


def test_pycocotools_reads_polygons_for_coco_annotator(
    export: Export, written: Written, tmp_path: Path
) -> None:
    file = export("coco-annotator", *BOTH) / "coco.json"
    found = read("readers", "pycocotools_reader", file, home=tmp_path)
    check(found, written(*BOTH), with_scores=True)
    for each in found["objects"]:
        area = each["box"][2] * each["box"][3]
        perimeter = 2 * (each["box"][2] + each["box"][3])
        assert abs(each["polygon_area"] - area) <= perimeter


def test_label_studios_sdk_accepts_tasks_and_config(
    export: Export, written: Written, tmp_path: Path
) -> None:
    found = read("readers", "label_studio_reader", export("label-studio", *BOTH), home=tmp_path)
    expected = written(*BOTH)
    check(found, expected, with_scores=True)
    assert found["classes"] == sorted({label for each in expected.values() for label, *_ in each})


@pytest.mark.parametrize("names", [BOTH, ("empty",)])
def test_fiftyone_loads_the_folder(
    export: Export, written: Written, tmp_path: Path, names: tuple[str, ...]
) -> None:
    found = read("fiftyone", "fiftyone_reader", export("fiftyone", *names), home=tmp_path)
    check(found, written(*names), with_scores=True)


@pytest.mark.parametrize("names", [BOTH, ("empty",)])
def test_ultralytics_reads_labels_for_training(
    export: Export, written: Written, tmp_path: Path, names: tuple[str, ...]
) -> None:
    found = read("ultralytics", "ultralytics_reader", export("yolo", *names), home=tmp_path)
    check(found, written(*names), with_scores=False)
