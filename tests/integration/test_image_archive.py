"""Images in one archive: the same bytes as loose images, read by all that reads results."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tarfile
from typing import TYPE_CHECKING
from zipfile import ZipFile

import pytest

from tests.support import runs

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.command import Pretag

SAMPLED = {"every_seconds": 0.2, "end_seconds": 0.5}
FORMS = pytest.mark.parametrize("form", ["zip", "tar"])


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return the folders of three results of the sample, by `output.archive`."""
    return {
        form: runs.result_folder(
            runs.run(
                tmp_path_factory.mktemp(form),
                sampling=SAMPLED,
                dedupe={"method": "none"},
                output={"archive": form},
            )
        )
        for form in ("none", "zip", "tar")
    }


def files_in(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def images_in(folder: Path) -> dict[str, bytes]:
    """Return the loose images of a result."""
    found = files_in(folder)
    return {path: found[path] for path in sorted(found) if path.startswith("images/")}


def members_of(archive: Path) -> dict[str, bytes]:
    """Return what Python's own readers find in an archive, in order."""
    if archive.suffix == ".zip":
        with ZipFile(archive) as zipped:
            assert zipped.testzip() is None
            return {name: zipped.read(name) for name in zipped.namelist()}
    with tarfile.open(archive, "r:") as tar:
        found = {each.name: tar.extractfile(each) for each in tar.getmembers()}
        return {name: file.read() for name, file in found.items() if file is not None}


@FORMS
def test_an_archive_has_the_bytes_of_the_loose_images_in_the_order_of_time(
    finished: dict[str, Path], form: str
) -> None:
    members = members_of(finished[form] / f"images.{form}")
    assert list(members.items()) == list(images_in(finished["none"]).items())
    assert len(members) == 3
    loose, archived = files_in(finished["none"]), files_in(finished[form])
    kept = {path for path in loose if not path.startswith("images/")}
    assert set(archived) == {*kept, f"images.{form}"}
    for path in kept - {"config.json", *runs.FILES_WITH_TIMES}:
        assert archived[path] == loose[path]


@FORMS
def test_the_manifest_names_each_member_with_its_place(
    finished: dict[str, Path], form: str
) -> None:
    manifest = json.loads((finished[form] / "manifest.json").read_text())
    (entry,) = (each for each in manifest["files"] if each["path"] == f"images.{form}")
    data = (finished[form] / f"images.{form}").read_bytes()
    assert (entry["bytes"], entry["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    loose = json.loads((finished["none"] / "manifest.json").read_text())["files"]
    expected = [each for each in loose if each["path"].startswith("images/")]
    for member in entry["members"]:
        start = member.pop("offset")
        part = data[start : start + member["bytes"]]
        assert hashlib.sha256(part).hexdigest() == member["sha256"]
    assert entry["members"] == expected


def test_the_same_video_gives_the_same_archive(finished: dict[str, Path], tmp_path: Path) -> None:
    again = runs.run(
        tmp_path,
        cpus=1,
        sampling=SAMPLED,
        dedupe={"method": "none"},
        output={"archive": "zip"},
    )
    path = runs.result_folder(again) / "images.zip"
    assert path.read_bytes() == (finished["zip"] / "images.zip").read_bytes()


@FORMS
def test_the_log_counts_the_archive_as_one_file(finished: dict[str, Path], form: str) -> None:
    def written(folder: Path) -> tuple[int, int]:
        rows = [row.split(",") for row in (folder / "logs.csv").read_text().splitlines()]
        (row,) = (dict(zip(rows[0], each, strict=True)) for each in rows if each[0] == "write")
        return int(row["items_in"]), int(row["items_out"])

    loose, archived = written(finished["none"]), written(finished[form])
    assert archived[0] == loose[0] - 3 + 1
    assert archived[1] > (finished[form] / f"images.{form}").stat().st_size


@FORMS
def test_an_archive_is_verified_drawn_and_evaluated(
    pretag: Pretag, finished: dict[str, Path], form: str, tmp_path: Path
) -> None:
    ended = pretag("verify", finished[form])
    assert ended.code == 0
    assert "complete. 8 files and 3 images in an archive as the manifest says." in ended.out
    for name in ("none", form):
        assert pretag("preview", finished[name], "--out", tmp_path / name).code == 0
    drawn = files_in(tmp_path / form)
    assert drawn == files_in(tmp_path / "none")
    assert len(drawn) == 3
    truth = finished["none"] / "annotations" / "instances_default.json"
    ended = pretag(
        "evaluate", "--truth", truth, "--run", finished[form], "--out", tmp_path / "e.json"
    )
    assert ended.code == 0
    assert "3 of 3 images needed no correction" in ended.out


@pytest.mark.parametrize(
    ("form", "tool"), [("zip", "cvat"), ("tar", "yolo"), ("zip", "label-studio")]
)
def test_exports_are_those_of_loose_images(
    pretag: Pretag, finished: dict[str, Path], form: str, tool: str, tmp_path: Path
) -> None:
    exports = []
    for name in ("none", form):
        folder = tmp_path / name
        assert pretag("export", finished[name], "--to", tool, "--out", folder).code == 0
        # Names have the run id, which differs.
        run_id, short = finished[name].name, finished[name].name[:8]
        exports.append(
            {
                path.replace(short, "run"): data.replace(run_id.encode(), b"run").replace(
                    short.encode(), b"run"
                )
                for path, data in files_in(folder).items()
            }
        )
    assert exports[0] == exports[1]
    assert sum(path.endswith(".jpg") for path in exports[0]) == 3


def test_a_run_exports_from_its_own_archive(pretag: Pretag, tmp_path: Path) -> None:
    outcome = runs.run(
        tmp_path / "out",
        sampling=SAMPLED,
        output={"archive": "tar", "exports": ["cvat"]},
    )
    folder = runs.result_folder(outcome)
    assert pretag("verify", folder).code == 0
    assert pretag("export", folder, "--to", "cvat", "--out", tmp_path / "cvat.zip").code == 0
    assert (folder / "exports" / "cvat.zip").read_bytes() == (tmp_path / "cvat.zip").read_bytes()
    with ZipFile(io.BytesIO((tmp_path / "cvat.zip").read_bytes())) as archive:
        assert sum(name.endswith(".jpg") for name in archive.namelist()) > 0


def test_the_report_has_no_link_to_images_that_are_in_an_archive(
    finished: dict[str, Path],
) -> None:
    loose = (finished["none"] / "report.html").read_text()
    archived = (finished["zip"] / "report.html").read_text()
    assert loose.count('href="images/default/') == 3
    assert 'href="images/default/' not in archived
    assert archived.count('<span class="picture"') == archived.count("data:image/jpeg") == 3
    assert 'The images in full size are in <a href="images.zip">images.zip</a>.' in archived


def test_without_images_there_is_no_archive(tmp_path: Path) -> None:
    outcome = runs.run(tmp_path, sampling=SAMPLED, output={"archive": "zip", "images": False})
    assert "images.zip" not in runs.files_of(outcome)


@pytest.mark.parametrize("change", [b"x", b""])
def test_a_changed_member_is_found_by_its_name(
    pretag: Pretag, finished: dict[str, Path], tmp_path: Path, change: bytes
) -> None:
    result = shutil.copytree(finished["zip"], tmp_path / finished["zip"].name)
    manifest = json.loads((result / "manifest.json").read_text())
    (entry,) = (each for each in manifest["files"] if each["path"] == "images.zip")
    last = entry["members"][-1]
    data = (result / "images.zip").read_bytes()
    end = last["offset"] + last["bytes"] - 1
    (result / "images.zip").write_bytes(data[:end] + change + data[end + 1 :] * bool(change))
    ended = pretag("verify", result)
    assert ended.code == 1
    assert f"{last['path']} in images.zip has " in ended.out
    assert entry["members"][0]["path"] not in ended.out
    for command in (("preview",), ("export", "--to", "yolo")):
        ended = pretag(*command, result, "--out", tmp_path / command[0])
        assert f"is not complete: {last['path']} was changed." in ended.err
        assert ended.code == 1


def test_a_manifest_cannot_name_an_archive_outside_of_the_result(
    pretag: Pretag, finished: dict[str, Path], tmp_path: Path
) -> None:
    result = shutil.copytree(finished["tar"], tmp_path / finished["tar"].name)
    (result / "images.tar").rename(tmp_path / "images.tar")
    manifest = (result / "manifest.json").read_text()
    (result / "manifest.json").write_text(manifest.replace('"images.tar"', '"../images.tar"'))
    ended = pretag("export", result, "--to", "yolo", "--out", tmp_path / "x")
    assert (ended.code, "../images.tar is missing" in ended.err) == (1, True)
    assert not (tmp_path / "x").exists()
