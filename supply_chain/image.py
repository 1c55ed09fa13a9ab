"""Read from a container image with Docker's command line. DOCKER_HOST chooses the engine."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from supply_chain.problems import SupplyChainError

if TYPE_CHECKING:
    from pathlib import Path

_PACKAGE_FOLDERS = """
import json, pathlib, sys
folders = [path for path in sys.path if path and any(pathlib.Path(path).glob("*.dist-info"))]
print(json.dumps(folders))
"""


def docker(*arguments: str) -> bytes:
    """Run a docker command, and return its standard output.

    Raises:
        SupplyChainError: there is no Docker, or the command fails.
    """
    try:
        result = subprocess.run(["docker", *arguments], capture_output=True, check=False)  # noqa: S603, S607 - from PATH
    except FileNotFoundError as error:
        raise SupplyChainError("There is no command `docker`. Install it first.") from error
    if result.returncode != 0:
        cause = result.stderr.decode(errors="replace").strip()
        raise SupplyChainError(f"docker {' '.join(arguments[:2])} failed: {cause}")
    return result.stdout


def image_id(image: str) -> str:
    """Return the id of an image, `sha256:` and 64 hex digits."""
    return docker("image", "inspect", "--format", "{{.Id}}", image).decode().strip()


def output_of(image: str, program: str, *arguments: str) -> str:
    """Return what a program prints in a new container of the image, without a network."""
    run = ("run", "--rm", "--network", "none", "--entrypoint", program, image)
    return docker(*run, *arguments).decode()


def package_folders(image: str) -> list[str]:
    """Return the folders in which the image's Python finds packages."""
    folders: list[str] = json.loads(output_of(image, "python3", "-c", _PACKAGE_FOLDERS))
    return folders


def copy_metadata(image: str, folder: str, target: Path) -> None:
    """Copy the `*.dist-info` folders of a folder of the image. The image needs no tar for that."""
    container = docker("create", "--entrypoint", "true", image).decode().strip()
    try:
        archive = docker("cp", f"{container}:{folder}/.", "-")
    finally:
        docker("rm", container)
    target.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        wanted = [member for member in tar if _is_metadata(member.name)]
        tar.extractall(target, wanted, filter="data")


def _is_metadata(path: str) -> bool:
    parts = [part for part in PurePosixPath(path).parts if part != "."]
    return bool(parts) and parts[0].endswith(".dist-info")
