"""`make image MODEL=...`: the model that was added is the default in the layout of the image."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
MAKE = shutil.which("make")
PRINT_DEFAULT = (
    "from pipeline.config.schema import Config; from pipeline.detection.model import Model; "
    "name = Config().detector.model; print(name, Model.load(name).name)"
)


def dry_run(*arguments: str) -> list[str]:
    """Return the commands of `make image`, without those that install packages."""
    assert MAKE is not None
    done = subprocess.run(
        [MAKE, "--dry-run", "--assume-old=.venv/cli.ready", "image", *arguments],
        cwd=PROJECT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    return [line for line in lines if line.startswith((".venv/bin/pretag", "docker"))]


@pytest.mark.skipif(MAKE is None, reason="the base image, in which the tests run too, has no make")
def test_the_model_is_added_before_the_image_is_built() -> None:
    add, build = dry_run("MODEL=better models/nano.onnx")
    assert add == ".venv/bin/pretag model add 'better models/nano.onnx' --default"
    assert build.startswith("docker build ")
    assert [line.split()[0] for line in dry_run()] == ["docker"]


def test_the_build_context_has_the_models_folder() -> None:
    assert "COPY models/ /app/models/" in (PROJECT / "Dockerfile").read_text().splitlines()
    ignored = (PROJECT / ".dockerignore").read_text().splitlines()
    assert "!models/" in ignored
    assert not [line for line in ignored if "models" in line and not line.startswith("!")]


def test_in_the_layout_of_the_image_the_added_model_is_the_default(tmp_path: Path) -> None:
    """The Dockerfile copies handler, pipeline and models into one folder."""
    for name in ("handler", "pipeline"):
        shutil.copytree(PROJECT / name, tmp_path / name)
    (tmp_path / "models").mkdir()
    for suffix in (".onnx", ".toml"):
        shutil.copyfile(
            PROJECT / "models" / f"ssdlite_mobilenet_v2_coco{suffix}",
            tmp_path / "models" / f"nano{suffix}",
        )
    (tmp_path / "models" / "default.txt").write_text("nano\n")
    done = subprocess.run(
        [sys.executable, "-c", PRINT_DEFAULT],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "nano nano\n"
