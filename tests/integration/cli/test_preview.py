"""`pretag preview`: boxes on the kept frames of a result."""

from __future__ import annotations

import hashlib
import json
import shutil
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from pipeline.storage.result_store import json_bytes
from tests.support import runs
from tests.support.lambda_function import RESULTS, VARIABLES, emulated_s3

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from tests.support.command import Pretag

COCO = "annotations/instances_default.json"


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a result with three images."""
    out = tmp_path_factory.mktemp("out")
    outcome = runs.run(out, sampling={"every_seconds": 10}, dedupe={"method": "none"})
    return runs.result_folder(outcome)


@pytest.fixture
def result(tmp_path: Path, finished: Path) -> Path:
    """Return a copy of the result."""
    return shutil.copytree(finished, tmp_path / finished.name)


def pixels_of(path: Path) -> NDArray[np.int_]:
    return np.asarray(cv2.imread(str(path)), int)


def change(result: Path, path: str, edit: Callable[[str], str]) -> None:
    """Change a file of a result, and the manifest with it, as a forger would."""
    data = edit((result / path).read_text()).encode()
    (result / path).write_bytes(data)
    manifest = json.loads((result / "manifest.json").read_text())
    for file in manifest["files"]:
        if file["path"] == path:
            file.update(bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
    (result / "manifest.json").write_bytes(json_bytes(manifest))


def test_each_kept_frame_gets_its_boxes_and_the_result_stays_as_it_was(
    pretag: Pretag, result: Path, tmp_path: Path
) -> None:
    out = tmp_path / "new" / "preview"
    done = pretag("preview", result, "--out", out)
    coco = json.loads((result / COCO).read_text())
    objects = len(coco["annotations"])
    assert done == (0, f"Preview: {out} (3 images, {objects} objects)\n", "")
    assert sorted(path.name for path in out.iterdir()) == [
        image["file_name"] for image in coco["images"]
    ]
    for image in coco["images"]:
        before, after = (
            pixels_of(folder / image["file_name"])
            for folder in (result / "images" / "default", out)
        )
        assert after.shape == before.shape
        changed = np.abs(after - before).max(axis=2) > 60
        for each in coco["annotations"]:
            if each["image_id"] == image["id"]:
                x, y, _, height = map(round, each["bbox"])
                edge = changed[y + 2 : y + height - 2, max(0, x - 1) : x + 2]
                assert edge.any(axis=1).mean() > 0.8
    assert pretag("verify", result).code == 0


def test_without_out_the_images_are_in_a_folder_of_the_run(
    pretag: Pretag, result: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    done = pretag("preview", result)
    assert done.out.startswith(f"Preview: preview-{result.name} (3 images, ")
    assert len(list((tmp_path / "here" / f"preview-{result.name}").iterdir())) == 3


def test_a_result_in_s3_is_drawn(
    pretag: Pretag, result: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, VARIABLES[name])
    with emulated_s3() as client:
        for file in filter(lambda path: path.is_file(), result.rglob("*")):
            key = f"a.mp4/{result.name}/{file.relative_to(result).as_posix()}"
            client.put_object(Bucket=RESULTS, Key=key, Body=file.read_bytes())
        uri = f"s3://{RESULTS}/a.mp4/{result.name}"
        local, remote = (pretag("preview", name, "--out", tmp_path / str(number))
                         for number, name in enumerate((result, uri)))  # fmt: skip
    assert (local.code, remote.code) == (0, 0)
    for path in (tmp_path / "0").iterdir():
        assert (tmp_path / "1" / path.name).read_bytes() == path.read_bytes()


def test_what_is_not_a_complete_result_is_refused(
    pretag: Pretag, result: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    missing = result / "predictions.json"
    content = missing.read_bytes()
    missing.unlink()
    assert pretag("preview", result, "--out", out) == (
        1,
        "",
        (
            f"pretag: {result} is not complete: predictions.json is missing. "
            "`pretag verify` lists all faults; process the video again.\n"
        ),
    )
    missing.write_bytes(content)
    image = next((result / "images" / "default").iterdir())
    image.write_bytes(image.read_bytes()[:-1] + b"\x00")
    done = pretag("preview", result, "--out", out)
    assert f"is not complete: images/default/{image.name} was changed." in done.err
    (result / "manifest.json").unlink()
    done = pretag("preview", result, "--out", out)
    assert (done.code, "it has no manifest" in done.err) == (1, True)
    assert pretag("preview", tmp_path / "none", "--out", out).code == 2


def test_the_result_itself_is_no_place_for_the_images(pretag: Pretag, result: Path) -> None:
    for out in (result, result / "preview"):
        done = pretag("preview", result, "--out", out)
        assert (done.code, "is in the result, which must stay as it is" in done.err) == (2, True)
    assert pretag("verify", result).code == 0


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text.replace("frame_000000.jpg", "../../../frame_000000.jpg"),
        lambda text: text.replace('"category_id": ', '"category_id": 9'),
        lambda text: text.replace('"bbox"', '"box"'),
        lambda _: "[]",
    ],
)
def test_a_forged_coco_file_is_refused(
    pretag: Pretag, result: Path, tmp_path: Path, edit: Callable[[str], str]
) -> None:
    change(result, COCO, edit)
    done = pretag("preview", result, "--out", tmp_path / "out")
    assert done == (
        1, "", f"pretag: {result}/{COCO} is not as pretag writes it. Process the video again.\n"
    )  # fmt: skip
    assert not (tmp_path / "out").exists()


def test_a_result_without_images_is_refused(pretag: Pretag, tmp_path: Path) -> None:
    outcome = runs.run(
        tmp_path / "results", sampling={"every_seconds": 20}, output={"images": False}
    )
    done = pretag("preview", outcome.result, "--out", tmp_path / "out")
    assert done.code == 1
    assert "has no images to draw on. Process the video with output.images: true." in done.err
    report = (runs.result_folder(outcome) / "report.html").read_text()
    assert "<img" not in report
