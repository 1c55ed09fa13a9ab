"""ONNX Runtime sessions: they start no threads, and do not need /sys."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.detection.model_folder import find_model_file
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


def thread_count() -> int:
    """Return the number of threads of this process."""
    return len(list(Path("/proc/self/task").iterdir()))


def hide_folder(path: str) -> list[str]:
    """Return the start of a command line that hides a folder from the command that follows it.

    Other processes still see the folder. The test is skipped if the system does not allow it.
    """
    if os.geteuid() != 0:
        pytest.skip("only root can hide a folder from a process")
    # A private mount namespace: its mounts are not visible outside.
    start = ["unshare", "--mount", "--propagation", "private", "sh", "-c"]
    hide = f'mount -t tmpfs none {path} && exec "$@"'
    try:
        subprocess.run([*start, hide, "sh", "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"mount namespaces are not available: {error}")
    return [*start, hide, "sh"]


# Lambda on arm64 has no /sys/devices/system/cpu, from which ONNX Runtime reads the CPUs:
# https://github.com/microsoft/onnxruntime/issues/10038
def test_a_model_detects_objects_without_sys() -> None:
    start = hide_folder("/sys")
    listing = subprocess.run(
        [*start, sys.executable, "-c", "import os; print(os.listdir('/sys'))"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert listing.stdout == "[]\n"
    detect = subprocess.run(
        [*start, sys.executable, "-c", DETECT], check=False, capture_output=True, text=True
    )
    # On arm64, the library cpuinfo writes a warning and continues.
    errors = [line for line in detect.stderr.splitlines() if "cpuinfo" not in line]
    assert (detect.returncode, detect.stdout, errors) == (0, "True\n", [])


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted in /proc")
def test_a_session_starts_no_threads() -> None:
    before = thread_count()
    session = open_session(DEFAULT, CPU_ONLY)
    assert thread_count() == before
    options = session.get_session_options()
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (1, 1)
