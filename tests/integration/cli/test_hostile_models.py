"""`pretag model` with hostile model files: an error or an answer, and Ctrl-C ends it."""

import os
import signal
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipeline.cli.interruptible import run_interruptibly
from pipeline.config.schema import DetectorConfig
from pipeline.detection.detector import Detector
from pipeline.detection.model import Model
from tests.support import hostile_models
from tests.support.command import PRETAG_PROCESS, Pretag, on_one_line, with_signal

LIGHT = np.full((64, 64, 3), 255, np.uint8)


@pytest.fixture
def light_image(tmp_path: Path) -> Path:
    path = tmp_path / "light.png"
    assert cv2.imwrite(str(path), LIGHT)
    return path


@pytest.mark.parametrize("command", ["inspect", "check"])
def test_ctrl_c_ends_the_trial_of_an_endless_graph(
    tmp_path: Path, light_image: Path, command: str
) -> None:
    model = hostile_models.write_endless_model(tmp_path / "endless.onnx")
    options = ("--image", light_image, "--out", tmp_path / "b.png") if command == "check" else ()
    process = subprocess.Popen(
        [
            *with_signal(signal.SIGINT, signal.SIG_DFL), *PRETAG_PROCESS, "model", command, model,
            *options,
        ],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    child = wait_for_child(process)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, "Interrupted" in err) == (130, True), err
    assert "Traceback" not in out + err
    while is_running(child):
        pass


def is_running(process_id: int) -> bool:
    try:
        state = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    except (
        FileNotFoundError,
        ProcessLookupError,
    ):  # the second: it ended after the file was opened
        return False
    return state != "Z"  # it has ended, and its parent has not asked for its exit code


def wait_for_child(process: subprocess.Popen[str]) -> int:
    """Return the id of the first process that a process starts."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while not (ids := children.read_text().split()):
        assert process.poll() is None, process.communicate()
    return int(ids[0])


def test_ctrl_c_ends_a_graph_that_is_endless_for_some_images(tmp_path: Path) -> None:
    path = hostile_models.write_endless_model(tmp_path / "a.onnx", ends_on_blank_images=True)
    path.with_suffix(".toml").write_text('labels = ["thing"]')
    detector = Detector(Model.load(str(path)), DetectorConfig())

    def interrupt_and_detect() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        detector.detect(LIGHT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            run_interruptibly(interrupt_and_detect, detector.stop)
    finally:
        signal.signal(signal.SIGINT, before)


def test_what_a_function_returns_or_raises_is_kept() -> None:
    assert run_interruptibly(lambda: 3, lambda: None) == 3
    with pytest.raises(ZeroDivisionError):
        run_interruptibly(lambda: 1 // 0, lambda: None)


def test_of_many_objects_check_lists_the_best_ones(
    pretag: Pretag, tmp_path: Path, light_image: Path
) -> None:
    model = hostile_models.write_many_boxes(tmp_path / "a.onnx")
    done = pretag("model", "check", model, "--image", light_image, "--out", tmp_path / "b.png")
    assert (done.code, done.err) == (0, "")
    assert len(done.out.splitlines()) < 110
    assert "... and 9,900 more" in done.out
    assert "10000 objects" in done.out


def test_a_model_that_needs_too_much_memory_is_an_error(pretag: Pretag, tmp_path: Path) -> None:
    model = hostile_models.write_large_output(tmp_path / "a.onnx")
    done = pretag("model", "inspect", model)
    assert (done.code, done.out) == (1, "")
    assert "cannot be used: to load it and to run it once takes more than 4096 MB" in on_one_line(
        done.err
    )
