"""The trial of a model: what a hostile one ends as, and what a genuine one gives."""

import signal
import subprocess
from pathlib import Path

import pytest
from onnx import helper

from pipeline.child_process import launching
from pipeline.detection import trial
from pipeline.detection.session import CPU_ONLY
from pipeline.detection.trial import Trial, TrialLimits, can_try, try_model
from pipeline.detection.unsupported import UnsupportedModelError
from pipeline.resources.budget import Budget
from pipeline.resources.capacity import Capacity
from pipeline.resources.deadline import Deadline
from tests.support import hostile_models
from tests.support.default_model import DEFAULT_MODEL
from tests.support.onnx_models import write_model

SHORT = TrialLimits(megabytes=512, cpu_seconds=1)


def refusal(path: Path, limits: TrialLimits = SHORT) -> str:
    with pytest.raises(UnsupportedModelError) as caught:
        try_model(path, limits)
    return str(caught.value)


def test_a_genuine_model_gives_the_shapes_of_its_outputs() -> None:
    assert try_model(DEFAULT_MODEL, TrialLimits()) == Trial(shapes=((1, 84, 1917),))


def test_a_graph_without_an_end_is_ended(tmp_path: Path) -> None:
    path = hostile_models.write_endless_model(tmp_path / "a.onnx")
    assert "takes more than 1 seconds of CPU time" in refusal(path)


def test_functions_that_expand_to_a_million_million_nodes_are_ended(tmp_path: Path) -> None:
    path = hostile_models.write_nested_functions(tmp_path / "a.onnx")
    assert path.stat().st_size < 4000
    assert "takes more than 1 seconds of CPU time" in refusal(path)


def test_an_output_larger_than_the_memory_is_refused(tmp_path: Path) -> None:
    path = hostile_models.write_large_output(tmp_path / "a.onnx")
    assert path.stat().st_size < 400
    assert "takes more than 512 MB of memory" in refusal(path)


def test_weights_that_are_computed_while_loading_are_bounded(tmp_path: Path) -> None:
    path = write_model(
        tmp_path / "a.onnx",
        helper.make_node("ConstantOfShape", ["size"], ["zeros"]),
        helper.make_node("ReduceMean", ["images"], ["mean"], keepdims=0),
        helper.make_node("Add", ["zeros", "mean"], ["output0"]),
        inputs={"images": [1, 3, 64, 64]},
        outputs={"output0": ["n"]},
        weights={"size": [10**9]},
    )
    assert "takes more than 512 MB of memory" in refusal(path)


def test_what_the_child_says_of_a_model_that_cannot_be_loaded_is_the_refusal(
    tmp_path: Path,
) -> None:
    path = write_model(
        tmp_path / "a.onnx",
        helper.make_node("NoSuchOperator", ["images"], ["output0"]),
        inputs={"images": [1, 3, 64, 64]},
        outputs={"output0": [1, 3, 64, 64]},
    )
    assert "it needs the operator NoSuchOperator" in refusal(path)


def test_a_model_that_cannot_take_a_blank_image_can_still_be_loaded(tmp_path: Path) -> None:
    path = write_model(
        tmp_path / "a.onnx",
        helper.make_node("Identity", ["image"], ["output0"]),
        inputs={"image": [1, 1, 8, 8]},
        outputs={"output0": [1, 1, 8, 8]},
    )
    found = try_model(path, SHORT)
    assert found.shapes is None
    assert "none of its inputs" in str(found.failure)


@pytest.mark.parametrize(
    ("child", "message"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "Runtime (signal 11)"),
        ("raise SystemExit(3)", "crashes ONNX Runtime (exit code 3)"),
        ("pass", "crashes ONNX Runtime (it gives no answer)"),
        ("import os; os.write(int(sys.argv[2]), b'[]')", "(it gives no answer)"),
        ("import os; os.write(int(sys.argv[2]), b'[' * 60_000)", "(it gives no answer)"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "more than 512 MB of memory"),
    ],
)
def test_a_child_that_crashes_or_answers_nonsense_is_a_refusal(
    child: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "_TRY", child)
    assert message in refusal(DEFAULT_MODEL)


def test_a_child_that_waits_for_ever_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "_TRY", "import signal; signal.pause()")
    assert "takes more than 0.2 seconds" in refusal(DEFAULT_MODEL, TrialLimits(seconds=0.2))


def test_no_child_is_left_after_an_interrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        trial,
        "_TRY",
        "import os, signal; os.kill(os.getppid(), signal.SIGINT); signal.pause()",
    )
    launched: list[subprocess.Popen[bytes]] = []

    def launch(code: str, descriptors: tuple[int, ...], log: int) -> subprocess.Popen[bytes]:
        launched.append(launching.launch(code, descriptors, log))
        return launched[0]

    monkeypatch.setattr(trial, "launch", launch)
    with pytest.raises(KeyboardInterrupt):
        try_model(DEFAULT_MODEL, SHORT)
    assert launched[0].returncode == -signal.SIGKILL


def test_a_function_gives_a_trial_a_part_of_its_memory_and_of_its_time() -> None:
    budget = Budget(Deadline.after(40), Capacity(megabytes=1024, seconds=60))
    limits = TrialLimits.within(budget)
    assert limits.megabytes == 768
    assert limits.seconds == pytest.approx(20, abs=1)
    assert limits.cpu_seconds == TrialLimits().cpu_seconds
    assert TrialLimits.within(Budget.unlimited()) == TrialLimits()


def test_a_trial_is_for_models_that_run_on_the_cpu() -> None:
    assert can_try(CPU_ONLY)
    assert not can_try(("CUDAExecutionProvider", "CPUExecutionProvider"))
