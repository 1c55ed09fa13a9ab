"""`pretag model add`: what is copied, what is refused, and that a refusal leaves nothing behind."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline.config.schema import Config
from pipeline.detection.model import Model
from pipeline.digest import sha256_of_file
from tests.support import clips, hostile_models
from tests.support.command import SPARSE_SAMPLING, Pretag
from tests.support.default_model import DEFAULT_MODEL
from tests.support.lambda_function import VIDEOS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SHA256 = sha256_of_file(DEFAULT_MODEL)
CARD = 'licence = "Apache-2.0"\n'


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make an empty folder the models folder."""
    path = tmp_path / "models"
    path.mkdir()
    monkeypatch.setattr("pipeline.detection.model_folder.MODELS_DIRECTORY", path)
    default = path / "default.txt"
    monkeypatch.setattr("pipeline.config.default_model.DEFAULT_MODEL_FILE", default)
    return path


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """Return a model file with a card beside it."""
    path = tmp_path / "mine.onnx"
    shutil.copyfile(DEFAULT_MODEL, path)
    path.with_suffix(".toml").write_text(CARD)
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_an_added_model_is_found_by_its_name(
    pretag: Pretag, mine: Path, folder: Path, tmp_path: Path
) -> None:
    done = pretag("model", "add", mine, "--sha256", SHA256.upper())
    assert (done.code, done.err) == (0, "")
    assert f"Model: {folder / 'mine.onnx'}" in done.out
    assert SHA256 in done.out
    assert "Licence: Apache-2.0, as its card says. Check that it allows your use." in done.out
    assert names(folder) == ["mine.onnx", "mine.toml"]
    assert " mine " in pretag("model", "list").out
    mine.unlink()
    run = pretag(
        "run", clips.SAMPLE, "--out", tmp_path / "out", "--set", "detector.model=mine",
        "--json", *SPARSE_SAMPLING,
    )  # fmt: skip
    assert run.code == 0
    assert json.loads(run.out)["status"] == "done"


def test_a_model_can_become_the_default(pretag: Pretag, mine: Path, folder: Path) -> None:
    assert Config().detector.model == "ssdlite_mobilenet_v2_coco"
    done = pretag("model", "add", mine, "--default")
    assert "Default model: mine\n" in done.out
    assert names(folder) == ["default.txt", "mine.onnx", "mine.toml"]
    assert Config().detector.model == "mine"
    assert 'model: "mine"' in pretag("config").out
    assert "*  mine" in pretag("model", "list").out
    assert Model.load(Config().detector.model).name == "mine"


def test_a_model_is_added_from_s3(pretag: Pretag, mine: Path, folder: Path, s3: S3Client) -> None:
    for file in (mine, mine.with_suffix(".toml")):
        s3.put_object(Bucket=VIDEOS, Key=f"models/{file.name}", Body=file.read_bytes())
    done = pretag("model", "add", f"s3://{VIDEOS}/models/mine.onnx", "--sha256", SHA256)
    assert (done.code, done.err) == (0, "")
    assert names(folder) == ["mine.onnx", "mine.toml"]
    assert sha256_of_file(folder / "mine.onnx") == SHA256
    missing = pretag("model", "add", f"s3://{VIDEOS}/models/none.onnx")
    assert (missing.code, "does not exist" in missing.err) == (1, True)
    for uri in (f"s3://{VIDEOS}", f"s3://{VIDEOS}/models/..", f"s3://{VIDEOS}/mine.pt"):
        assert pretag("model", "add", uri).code == 2


def test_the_same_model_can_be_added_twice(pretag: Pretag, mine: Path, folder: Path) -> None:
    assert [pretag("model", "add", mine).code for _ in range(2)] == [0, 0]
    assert names(folder) == ["mine.onnx", "mine.toml"]


@pytest.mark.parametrize("there", ["mine.onnx", "mine.toml", "mine.json"])
def test_a_different_file_is_never_overwritten(
    pretag: Pretag, mine: Path, folder: Path, there: str
) -> None:
    (folder / there).write_text("{}")
    done = pretag("model", "add", mine)
    assert done.code == 1
    assert f"{folder / there} is there already, and differs" in done.err
    assert names(folder) == [there]
    assert (folder / there).read_text() == "{}"


@pytest.mark.parametrize("card", [None, 'name = "x"\n', 'licence = ""\n'])
def test_a_model_whose_card_names_no_licence_is_refused(
    pretag: Pretag, mine: Path, folder: Path, card: str | None
) -> None:
    path = mine.with_suffix(".toml")
    path.unlink()
    if card is not None:
        path.write_text(card)
    done = pretag("model", "add", mine)
    assert done.code == 1
    assert f"Model {mine} has no card that names its licence" in done.err
    assert names(folder) == []


def test_a_file_with_another_sha256_is_refused(pretag: Pretag, mine: Path, folder: Path) -> None:
    done = pretag("model", "add", mine, "--sha256", "0" * 64)
    assert (done.code, names(folder)) == (1, [])
    assert f"has the sha256 {SHA256}, not {'0' * 64}" in done.err


def test_a_model_that_cannot_be_used_is_refused_with_its_own_name(
    pretag: Pretag, mine: Path, folder: Path
) -> None:
    hostile_models.write_large_output(mine)
    done = pretag("model", "add", mine)
    assert (done.code, names(folder)) == (1, [])
    assert f"Model {mine} cannot be used: to load it and to run it once takes more" in done.err
    shutil.copyfile(DEFAULT_MODEL, mine)
    mine.with_suffix(".toml").write_text("licence = 3")
    done = pretag("model", "add", mine)
    assert f"Model card {mine.with_suffix('.toml')} is not valid" in done.err
    assert ".adding-" not in done.err


def test_what_is_no_onnx_file_is_refused(pretag: Pretag, tmp_path: Path, folder: Path) -> None:
    other = tmp_path / "model.pt"
    other.touch()
    for file, message in ((other, "must end with .onnx"), (tmp_path / "none.onnx", "not exist")):
        done = pretag("model", "add", file)
        assert (done.code, message in done.err) == (1, True)
    assert names(folder) == []


def test_an_interrupted_copy_leaves_no_model(
    pretag: Pretag, mine: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", fail)
    done = pretag("model", "add", mine)
    assert (done.code, names(folder)) == (1, [])
    assert f"Model {mine} cannot be copied to {folder}: No space left on device." in done.err
