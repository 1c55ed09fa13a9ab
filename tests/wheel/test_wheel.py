"""The wheel in a fresh environment, as `pipx install` makes it. `make wheel` builds the wheel."""

import json
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tests.support import clips

PROJECT = Path(__file__).parents[2]
MODEL = "ssdlite_mobilenet_v2_coco"


@pytest.fixture(scope="module")
def wheel() -> Path:
    (file,) = (PROJECT / "dist").glob("pretag-*.whl")
    return file


@pytest.fixture(scope="module")
def pins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with the versions that the project is tested with, without their hashes."""
    lines = (PROJECT / "requirements" / "cli.txt").read_text().splitlines()
    pinned = [line.removesuffix("\\").strip() for line in lines if not line.startswith(" ")]
    file = tmp_path_factory.mktemp("pins") / "pins.txt"
    file.write_text("\n".join(pinned))
    return file


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory, wheel: Path, pins: Path) -> Path:
    """Return the folder with the commands of an environment that has the wheel without extras."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder)
    commands = folder / "bin"
    python = str(commands / "python")
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet"]
    subprocess.run([*pip, "--constraint", pins, wheel], check=True)
    return commands


def run(commands: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run `pretag` in a folder and an environment that know nothing of the sources."""
    return subprocess.run(
        [commands / "pretag", *map(str, arguments)],
        capture_output=True, text=True, check=False, cwd=commands, env={"PATH": str(commands)},
    )  # fmt: skip


def test_the_wheel_has_the_packages_and_the_model_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {
        "handler", "pipeline", "pretag",
    }  # fmt: skip
    models = {name for name in names if name.startswith("pipeline/models/")}
    assert models == {f"pipeline/models/{MODEL}{suffix}" for suffix in (".onnx", ".toml")}
    assert {
        "pipeline/py.typed",
        "pipeline/dataset/report/report.html.j2",
        "pipeline/cli/card.toml.j2",
    } <= {*names}


def test_the_sample_is_annotated_with_the_model_of_the_wheel(
    commands: Path, tmp_path: Path
) -> None:
    done = run(commands, "run", clips.SAMPLE, "--out", tmp_path, "--json")
    assert done.returncode == 0, done.stderr
    result = Path(json.loads(done.stdout)["result"])
    coco = json.loads((result / "annotations" / "instances_default.json").read_text())
    known = json.loads(clips.SAMPLE.with_suffix(".json").read_text())
    assert coco["annotations"] == known["annotations"]
    truth = result / "annotations" / "instances_default.json"
    evaluation = run(
        commands, "evaluate", "--run", result, "--truth", truth, "--out", tmp_path / "e.json"
    )
    assert evaluation.returncode == 0, evaluation.stderr
    assert "(100.0%)" in evaluation.stdout


def test_the_model_of_the_wheel_is_listed(commands: Path) -> None:
    done = run(commands, "model", "list")
    assert done.stdout.splitlines()[1].split()[:2] == ["*", MODEL], done


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "s3://videos/", "--out", "out"),
        ("run", str(clips.SAMPLE), "--out", "s3://results/x"),
        ("verify", "s3://results/a.mp4/0123456789abcdef"),
        ("model", "add", "s3://models/mine.onnx"),
        ("forget", "s3://videos/a.mp4", "--results", "s3://results/"),
        ("submit", "s3://videos/", "--function", "pretag"),
    ],
)
def test_without_the_extra_for_s3_a_sentence_names_it(
    commands: Path, arguments: tuple[str, ...]
) -> None:
    done = run(commands, *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "pretag: This needs the package boto3, which is not there. Install pretag with its extra "
        "s3: in its folder, pip install '.[s3]'.\n"
    )


def test_with_the_extra_for_s3_the_package_is_there(
    wheel: Path, pins: Path, tmp_path: Path
) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(tmp_path)]
    subprocess.run([*pip, "--constraint", pins, f"{wheel}[s3]"], check=True)
    assert (tmp_path / "boto3").is_dir()
    assert not (tmp_path / "aws_lambda_powertools").exists()
