"""Windows and macOS lack modules and functions of Linux: no import and no run may need them.

This shows that nothing of these is missed. It does not show that pretag works there.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import clips
from tests.support.command import SPARSE_SAMPLING

# The packages are imported first: they have files of their own for each platform.
PREPARE = """
import os, signal, socket, sys, sysconfig
import boto3, click, cv2, jinja2, numpy, onnxruntime, pydantic.main, rich.progress, yaml
sysconfig.get_config_vars()
MODULES = {"darwin": "spwd", "win32": "resource fcntl pwd grp termios tty pty"}
NAMES = {
    "darwin": {os: "memfd_create sched_getaffinity pipe2 posix_fadvise"},
    "win32": {
        os: "memfd_create sched_getaffinity pipe2 posix_fadvise fork pread pwrite getuid geteuid",
        signal: "SIGKILL SIGXCPU SIGPIPE SIGHUP pthread_sigmask setitimer",
        socket: "AF_UNIX SCM_RIGHTS SOCK_SEQPACKET",
    },
}
sys.platform = sys.argv.pop(1)
sys.modules |= dict.fromkeys(MODULES[sys.platform].split())  # importing them is an ImportError
for module, names in NAMES[sys.platform].items():
    for name in names.split():
        vars(module).pop(name, None)
"""
IMPORT_ALL = """
import importlib, pathlib
for file in [*pathlib.Path("pipeline").rglob("*.py"), *pathlib.Path("pretag").rglob("*.py")]:
    name = ".".join(file.with_suffix("").parts).removesuffix(".__init__")
    if file.stem != "__main__":
        importlib.import_module(name)
        print(name)
"""
RUN = "import pipeline.cli; pipeline.cli.main()"
PROJECT = Path(__file__).parents[2]


@pytest.fixture(params=["darwin", "win32"])
def platform(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def python(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", PREPARE + code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=PROJECT)


def test_each_module_can_be_imported(platform: str) -> None:
    done = python(IMPORT_ALL, platform)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) > 150


def test_a_video_is_annotated(platform: str, tmp_path: Path) -> None:
    done = python(RUN, platform, "run", clips.SAMPLE, "--out", tmp_path, "--json", *SPARSE_SAMPLING)
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    assert (outcome["status"], outcome["counts"]["frames_kept"]) == ("done", 3)
    assert "cannot confine the decoder" in done.stderr
