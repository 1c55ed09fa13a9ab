"""ONNX Runtime on our terms: no threads of its own, no run before the first, no need of /sys."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.detection.model import find_model_file
from pipeline.detection.session import CPU_ONLY, open_session

DEFAULT = find_model_file("ssdlite_mobilenet_v2_coco")

DETECT = """
import numpy as np
from pipeline.config.schema import DetectorConfig as Config
from pipeline.detection.detector import Detector
from pipeline.detection.model import Model
detector = Detector(Model.load(Config().model), Config(score_threshold=0.0))
print(len(detector.detect(np.full((96, 96, 3), 90, np.uint8))) > 0)
"""


def threads() -> int:
    return len(list(Path("/proc/self/task").iterdir()))


def hidden(path: str) -> list[str]:
    """Return what runs a command with a folder hidden from it, and from nothing else."""
    if os.geteuid() != 0:
        pytest.skip("only root may hide a folder from a process")
    # Mounts of this namespace stay in it.
    start = ["unshare", "--mount", "--propagation", "private", "sh", "-c"]
    hide = f'mount -t tmpfs none {path} && exec "$@"'
    try:
        subprocess.run([*start, hide, "sh", "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no mount namespace here, to hide {path} in: {error}")
    return [*start, hide, "sh"]


# ONNX Runtime on Lambda's arm64, which has no /sys/devices/system/cpu:
# https://github.com/microsoft/onnxruntime/issues/10038
def test_a_model_is_loaded_and_finds_objects_without_sys() -> None:
    start = hidden("/sys")
    seen = subprocess.run(
        [*start, sys.executable, "-c", "import os; print(os.listdir('/sys'))"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert seen.stdout == "[]\n"
    done = subprocess.run(
        [*start, sys.executable, "-c", DETECT], check=False, capture_output=True, text=True
    )
    # On arm64 the library that looks for CPU features says so, and goes on.
    told = [line for line in done.stderr.splitlines() if "cpuinfo" not in line]
    assert (done.returncode, done.stdout, told) == (0, "True\n", [])


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted in /proc")
def test_a_session_has_no_threads_that_could_spin() -> None:
    before = threads()
    session = open_session(DEFAULT, CPU_ONLY)
    assert threads() == before
    options = session.get_session_options()
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (1, 1)
