"""The code of the check as it is deployed: a zip that SAM makes, unpacked where nothing else is."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.audit import tools
from tests.support import clips
from tests.support.cloudformation import RESOURCES

CHECK = RESOURCES["Check"]["Properties"]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("check")
    result = tools.run("tests/audit/zip_functions.py", str(folder / "code.zip"), tool="deploy")
    assert result.returncode == 0, result.stderr
    with zipfile.ZipFile(folder / "code.zip") as archive:
        archive.extractall(folder / "task")
    return folder / "task"


def test_the_clip_and_its_known_result_are_in_the_zip_as_files(unpacked: Path) -> None:
    """In the repository they are links to the folder samples."""
    for name in ("pedestrians.mp4", "pedestrians.json"):
        file = unpacked / "check" / name
        assert not file.is_symlink()
        assert file.read_bytes() == (clips.SAMPLE.parent / name).read_bytes()


def test_the_handler_that_the_template_names_can_be_imported_alone(unpacked: Path) -> None:
    assert CHECK["Code"] == "deploy/functions"
    module, _, function = CHECK["Handler"].rpartition(".")
    code = f"from {module} import {function}; print({function}.__name__)"
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=unpacked,
        env={},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stdout) == (0, "lambda_handler\n"), result.stderr
