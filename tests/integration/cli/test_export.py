"""`pretag export`: results in folders and in S3, targets, several results, wrong usage."""

from __future__ import annotations

import io
import json
import shutil
from typing import TYPE_CHECKING
from zipfile import ZipFile

import pytest

from tests.support import clips, runs
from tests.support.lambda_function import RESULTS

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

    from tests.support.command import Pretag

SAMPLED = {"every_seconds": 100, "end_seconds": 0.05}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return the folders of results of two videos with the same name; one has used classes."""
    folders = []
    for number, output in enumerate(({}, {"categories": "used"}), start=1):
        video = tmp_path_factory.mktemp("videos") / "cam.mp4"
        shutil.copy(clips.SAMPLE, video)
        out = tmp_path_factory.mktemp(f"out{number}")
        folders.append(runs.result_folder(runs.run(out, video, sampling=SAMPLED, output=output)))
    return folders


def files_in(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_folder_an_archive_and_a_prefix_in_s3_have_the_same_files(
    pretag: Pretag, finished: list[Path], tmp_path: Path, s3: S3Client
) -> None:
    targets = (tmp_path / "new" / "folder", tmp_path / "export.zip")
    for target in (*targets, f"s3://{RESULTS}/exports/yolo/", f"s3://{RESULTS}/all.zip"):
        ended = pretag("export", finished[0], "--to", "yolo", "--out", target)
        assert (ended.code, ended.err) == (0, "")
        assert "1 image and" in ended.out
    expected = files_in(targets[0])
    assert "data.yaml" in expected
    assert sum(path.endswith(".jpg") for path in expected) == 1
    with ZipFile(targets[1]) as archive:
        assert {path: archive.read(path) for path in archive.namelist()} == expected
    stored = {
        each["Key"]: s3.get_object(Bucket=RESULTS, Key=each["Key"])["Body"].read()
        for each in s3.list_objects_v2(Bucket=RESULTS)["Contents"]
    }
    with ZipFile(io.BytesIO(stored.pop("all.zip"))) as archive:
        assert {path: archive.read(path) for path in archive.namelist()} == expected
    assert stored == {f"exports/yolo/{path}": data for path, data in expected.items()}
    assert {each.name for each in tmp_path.iterdir()} == {"new", "export.zip"}


def test_results_of_videos_with_one_name_become_one_data_set(
    pretag: Pretag, finished: list[Path], tmp_path: Path
) -> None:
    assert pretag("export", *finished, "--to", "fiftyone", "--out", tmp_path / "x").code == 0
    coco = json.loads((tmp_path / "x" / "labels.json").read_text())
    names = [each["file_name"] for each in coco["images"]]
    run_ids = [folder.name[:8] for folder in finished]
    assert names == [f"cam-{run_id}-frame_000000.jpg" for run_id in run_ids]
    assert {path.name for path in (tmp_path / "x" / "data").iterdir()} == set(names)
    assert len(coco["categories"]) == 80
    assert [each["id"] for each in coco["images"]] == [1, 2]
    found = [each["image_id"] for each in coco["annotations"]]
    assert found.count(1) == found.count(2) > 0


def test_each_run_of_an_export_is_evaluated_with_its_own_video_alone(
    pretag: Pretag, finished: list[Path], tmp_path: Path
) -> None:
    pretag("export", *finished, "--to", "fiftyone", "--out", tmp_path / "x")
    for folder in finished:
        ended = pretag(
            "evaluate", "--truth", tmp_path / "x" / "labels.json", "--run", folder,
            "--out", tmp_path / "evaluation.json",
        )  # fmt: skip
        assert ended.code == 0
        result = json.loads((tmp_path / "evaluation.json").read_text())
        overall = result["corrections"]["overall"]
        assert overall["kept"] == overall["pre"] == overall["truth"] > 0
        other = next(each for each in finished if each != folder)
        names = [each["file_name"] for each in result["images"]["of_other_videos"]]
        assert (result["images"]["compared"], names) == (
            1,
            [f"cam-{other.name[:8]}-frame_000000.jpg"],
        )


def test_a_result_in_s3_is_read_there_and_label_studio_gets_its_address(
    pretag: Pretag, finished: list[Path], tmp_path: Path, s3: S3Client
) -> None:
    prefix = f"datasets/cam.mp4/{finished[0].name}"
    for path, data in files_in(finished[0]).items():
        s3.put_object(Bucket=RESULTS, Key=f"{prefix}/{path}", Body=data)
    result = f"s3://{RESULTS}/{prefix}"
    assert pretag("export", result, "--to", "label-studio", "--out", tmp_path / "x").code == 0
    task = json.loads((tmp_path / "x" / "tasks.json").read_text())[0]
    assert task["data"]["image"] == f"{result}/images/default/frame_000000.jpg"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--to", "csv", "--out", "{old}"), "is not empty"),
        (("--to", "csv", "--out", "s3://results"), "names no place in a bucket"),
        (("--to", "csv", "--out", "gs://a/b"), "is a URI"),
        (("--to", "csv", "--out", "x", "--frame-step", "2"), "only for --to cvat-video"),
        (("--to", "csv", "--out", "x", "--images-at", "u"), "only for --to label-studio"),
        (("--to", "nothing", "--out", "x"), "'cvat', 'cvat-video', 'label-studio'"),
        (("{result}", "--to", "csv", "--out", "x"), "Name it once"),
    ],
)
def test_wrong_usage_is_told_and_nothing_is_written(  # noqa: PLR0913, PLR0917 - parameters
    pretag: Pretag,
    finished: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "file").touch()
    filled = [each.format(old=tmp_path / "old", result=finished[0]) for each in options]
    ended = pretag("export", finished[0], *filled)
    assert ended.code == 2
    assert message in " ".join(ended.err.split())
    assert [path.name for path in tmp_path.rglob("*")] == ["old", "file"]


def copied(finished: list[Path], tmp_path: Path) -> Path:
    return shutil.copytree(finished[0], tmp_path / finished[0].name)


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("manifest.json", b'"files"', b'"other"', "manifest.json is wrong"),
        ("manifest.json", b"images/default/frame", b"images/default/f", "the result has none"),
        ("annotations/instances_default.json", b'"image_id": 1', b'"image_id": 7', "the image 7"),
        ("annotations/instances_default.json", b'"bbox": [', b'"bbox": [1, ', "annotations.0.bbox"),
        ("annotations/instances_default.json", b"frame_000000.jpg", b"../a.jpg", "file_name"),
        ("config.json", b'"classes"', b'"klasses"', "config.json is wrong"),
    ],
)
def test_a_result_that_was_changed_is_refused(  # noqa: PLR0913, PLR0917 - parameters
    pretag: Pretag,
    finished: list[Path],
    tmp_path: Path,
    name: str,
    old: bytes,
    new: bytes,
    message: str,
) -> None:
    result = copied(finished, tmp_path)
    file = result / name
    assert old in file.read_bytes()
    file.write_bytes(file.read_bytes().replace(old, new, 1))
    ended = pretag("export", result, "--to", "cvat", "--out", tmp_path / "x")
    assert ended.code == 1
    assert message in ended.err
    assert not (tmp_path / "x").exists()


def test_a_result_without_images_exports_boxes_and_refuses_what_needs_images(
    pretag: Pretag, tmp_path: Path
) -> None:
    outcome = runs.run(tmp_path / "out", sampling=SAMPLED, output={"images": False})
    result = runs.result_folder(outcome)
    ended = pretag("export", result, "--to", "cvat", "--out", tmp_path / "x.zip")
    assert ended.code == 1
    assert "output.images" in ended.err
    assert pretag("export", result, "--to", "cvat-video", "--out", tmp_path / "v").code == 0


def test_a_folder_that_is_no_result_is_refused(pretag: Pretag, tmp_path: Path) -> None:
    ended = pretag("export", tmp_path, "--to", "csv", "--out", tmp_path / "x")
    assert ended.code == 1
    assert "has no manifest" in ended.err


def test_a_run_writes_the_same_archives_as_the_command(pretag: Pretag, tmp_path: Path) -> None:
    names = ["cvat", "yolo", "csv"]
    outcome = runs.run(tmp_path / "out", sampling=SAMPLED, output={"exports": names})
    result = runs.result_folder(outcome)
    assert pretag("verify", result).code == 0
    for name in names:
        pretag("export", result, "--to", name, "--out", tmp_path / f"{name}.zip")
        written = (result / "exports" / f"{name}.zip").read_bytes()
        assert written == (tmp_path / f"{name}.zip").read_bytes()


def test_a_class_that_a_form_cannot_have_ends_a_run_before_a_result(
    pretag: Pretag, tmp_path: Path
) -> None:
    ended = pretag(
        "run", clips.SAMPLE, "--out", tmp_path / "out", "--set", "sampling.every_seconds=100",
        "--set", "output.exports=voc", "--set", "output.class_names={person: 'a:b'}",
    )  # fmt: skip
    assert ended.code == 2
    assert "'output.exports' has voc" in ended.err
    assert not (tmp_path / "out" / clips.SAMPLE.name).exists()
