"""Paths on the command line: a wrong one is wrong usage (exit code 2), and nothing is done."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.support import clips
from tests.support.coco_builders import coco_file, prediction
from tests.support.command import SPARSE_SAMPLING, Pretag
from tests.support.default_model import DEFAULT_MODEL

BBOX = (1.0, 2.0, 30.0, 40.0)
RUN = ("run", "clip.mp4", "--out", "out")
EVALUATE = ("evaluate", "--truth", "truth.json", "--predictions", "predictions.json")
CHECK = ("model", "check", "my.onnx", "--image", "image.png", "--out", "boxes.png")
SUBMIT = ("submit", "s3://bucket/prefix", "--function", "f")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go into a folder with one good file of each kind."""
    monkeypatch.chdir(tmp_path)
    Path("clip.mp4").symlink_to(clips.SAMPLE)
    Path("my.onnx").symlink_to(DEFAULT_MODEL)
    cv2.imwrite("image.png", np.zeros((32, 32, 3), np.uint8))
    Path("truth.json").write_text(json.dumps(coco_file([(1, 1, BBOX)])))
    Path("predictions.json").write_text(json.dumps([prediction(1, 1, BBOX, 0.9)]))
    Path("folder").mkdir()
    return tmp_path


def with_value(command: tuple[str, ...], name: str, value: str) -> tuple[str, ...]:
    """Return a command line with another value of an option or an argument."""
    place = command.index(name) + name.startswith("--")
    return (*command[:place], value, *command[place + 1 :])


def reading(value: str) -> dict[str, tuple[str, ...]]:
    """Return the command lines that read the path `value`, by name."""
    return {
        "a video": with_value(RUN, "clip.mp4", value),
        "a second video": ("run", "clip.mp4", value, "--out", "out"),
        "a config file": (*RUN, "--config", value),
        "a model": (*RUN, "--set", f"detector.model={value}"),
        "a truth": with_value(EVALUATE, "--truth", value),
        "predictions": with_value(EVALUATE, "--predictions", value),
        "a run": ("evaluate", "--truth", "truth.json", "--run", value),
        "a result to verify": ("verify", value),
        "a second result": ("verify", "folder", value),
        "a result to promote": ("promote", value),
        "a model to inspect": ("model", "inspect", value),
        "a model without a card": ("model", "card", value),
        "a model to check": with_value(CHECK, "my.onnx", value),
        "an image": with_value(CHECK, "--image", value),
    }


def writing(value: str) -> dict[str, tuple[str, ...]]:
    """Return the command lines that write the path `value`, by name."""
    return {
        "results": with_value(RUN, "--out", value),
        "an evaluation": (*EVALUATE, "--out", value),
        "an image with boxes": with_value(CHECK, "--out", value),
        "a state file": (*SUBMIT, "--state", value),
    }


def check_refused(pretag: Pretag, folder: Path, command: tuple[str, ...]) -> str:
    """Check that a command ends with 2 and does nothing; return what it says."""
    before = sorted(folder.rglob("*"))
    done = pretag(*command)
    assert (done.code, done.out) == (2, "")
    assert sorted(folder.rglob("*")) == before
    return done.err


@pytest.mark.parametrize("name", list(reading("")))
@pytest.mark.parametrize("typo", ["missing.mp4", "clip.mp4/missing.mp4", "no/missing.mp4"])
def test_a_path_that_does_not_exist_is_wrong_usage(
    pretag: Pretag, folder: Path, name: str, typo: str
) -> None:
    said = check_refused(pretag, folder, reading(typo)[name])
    assert typo in said
    assert "does not exist" in said or "No such file" in said or "Not a directory" in said


@pytest.mark.parametrize("name", ["a truth", "predictions", "an image", "a model"])
def test_a_folder_in_place_of_a_file_is_wrong_usage(
    pretag: Pretag, folder: Path, name: str
) -> None:
    said = check_refused(pretag, folder, reading("folder")[name])
    assert "folder is a directory" in said


@pytest.mark.parametrize("name", ["a video", "a second video"])
@pytest.mark.parametrize("empty", ["folder", "folder/*.mp4"])
def test_a_folder_or_a_pattern_without_a_video_is_wrong_usage(
    pretag: Pretag, folder: Path, name: str, empty: str
) -> None:
    (folder / "folder" / "notes.txt").touch()
    assert f"{empty} has no video. The suffixes" in check_refused(
        pretag, folder, reading(empty)[name]
    )


@pytest.mark.parametrize("name", ["a run", "a result to verify", "a result to promote"])
def test_a_file_in_place_of_a_folder_is_wrong_usage(
    pretag: Pretag, folder: Path, name: str
) -> None:
    assert "clip.mp4 is a file" in check_refused(pretag, folder, reading("clip.mp4")[name])


def test_results_cannot_go_below_a_file(pretag: Pretag, folder: Path) -> None:
    said = check_refused(pretag, folder, with_value(RUN, "--out", "clip.mp4"))
    assert "clip.mp4 is a file" in said


@pytest.mark.parametrize("uri", ["gs://bucket/x", "https://host/x.mp4", "file:///x", "S3://b/x"])
@pytest.mark.parametrize("name", [*reading(""), *writing("")])
def test_a_uri_in_place_of_a_path_is_wrong_usage(
    pretag: Pretag, folder: Path, name: str, uri: str
) -> None:
    commands = {**reading(uri), **writing(uri)}
    said = check_refused(pretag, folder, commands[name])
    assert f"{uri} is a URI" in said


@pytest.mark.parametrize("uri", ["s3://bucket/x", "s3:/bucket/x"])
@pytest.mark.parametrize(
    "name",
    [name for name in [*reading(""), *writing("")] if "result" not in name and "video" not in name],
)
def test_what_is_in_s3_is_not_read_or_written_in_place(
    pretag: Pretag, folder: Path, name: str, uri: str
) -> None:
    commands = {**reading(uri), **writing(uri)}
    said = check_refused(pretag, folder, commands[name])
    assert "s3://bucket/x is" in said
    is_model = "a model" in name and uri.startswith("s3://")
    assert ("pretag model add s3://" if is_model else "aws s3 cp") in said


def test_the_config_file_of_the_environment_is_no_uri(
    pretag: Pretag, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRETAG_CONFIG", "s3://bucket/pretag.yaml")
    assert "s3://bucket/pretag.yaml is a URI" in check_refused(pretag, folder, RUN)


def test_the_name_of_the_option_is_told(pretag: Pretag, folder: Path) -> None:
    said = check_refused(pretag, folder, with_value(EVALUATE, "--truth", "s3://bucket/x"))
    assert said.splitlines()[-1] == (
        "Error: Invalid value for '--truth': s3://bucket/x is a URI, and a path on this machine is "
        "needed. Copy from and to S3 with `aws s3 cp`."
    )


@pytest.mark.parametrize("name", ["a video", "results"])
def test_a_name_in_s3_with_one_slash_is_wrong_usage(
    pretag: Pretag, folder: Path, name: str
) -> None:
    commands = {**reading("s3:/bucket/x"), **writing("s3:/bucket/x")}
    assert "must have the form s3://bucket" in check_refused(pretag, folder, commands[name])


def test_a_colon_alone_makes_no_uri(pretag: Pretag, folder: Path) -> None:
    names = ("12:30:00.mp4", "file:x.mp4", "a b:c/x.mp4", "x:/y.mp4")
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).symlink_to(clips.SAMPLE)
    done = pretag("run", *names, "--out", "b:/out", "--json", *SPARSE_SAMPLING)
    assert (done.code, done.err) == (0, "")
    assert [json.loads(line)["status"] for line in done.out.splitlines()] == ["done"] * 4


@pytest.mark.parametrize("name", ["an evaluation", "an image with boxes"])
def test_the_folder_of_an_output_file_is_made(pretag: Pretag, folder: Path, name: str) -> None:
    done = pretag(*writing("new/folder/x.png")[name])
    assert done.code == 0
    assert (folder / "new" / "folder" / "x.png").stat().st_size > 0


@pytest.mark.parametrize("name", ["an evaluation", "an image with boxes"])
def test_an_output_file_whose_folder_is_a_file_is_told(
    pretag: Pretag, folder: Path, name: str
) -> None:
    before = sorted(folder.rglob("*"))
    done = pretag(*writing("clip.mp4/new/x.png")[name])
    assert done.code == 1
    assert "clip.mp4/new/x.png cannot be written: Not a directory" in done.err
    assert sorted(folder.rglob("*")) == before


def test_an_image_of_an_unknown_suffix_makes_no_folder(pretag: Pretag, folder: Path) -> None:
    done = pretag(*with_value(CHECK, "--out", "new/boxes.xyz"))
    assert done.code == 1
    assert "OpenCV does not know the suffix" in done.err
    assert not (folder / "new").exists()
