"""A registry for images on this machine: docker-registry, as Debian and Ubuntu have it."""

import shutil
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

import yaml

from tests.e2e.waiting import wait_for

COMMAND = shutil.which("docker-registry")


@contextmanager
def run_registry(folder: Path) -> Iterator[str]:
    """Run a registry in the block, and yield its address, such as 127.0.0.1:5001.

    Docker speaks plain HTTP to a registry on 127.0.0.1.
    """
    assert COMMAND is not None
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    config = folder / "registry.yml"
    settings = {
        "version": 0.1,
        "log": {"level": "warn"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "images")}},
        "http": {"addr": address},
    }
    config.write_text(yaml.safe_dump(settings))
    with (folder / "registry.log").open("wb") as log:
        process = subprocess.Popen([COMMAND, "serve", str(config)], stdout=log, stderr=log)
        try:
            wait_for(lambda: _answers(address), "the registry")
            yield address
        finally:
            process.terminate()
            process.wait(30)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{address}/v2/", timeout=2) as response:
            return bool(response.status == HTTPStatus.OK)
    except urllib.error.URLError:
        return False
