"""`pretag` as a process of its own: signals, standard output and the terminal."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from pipeline import __version__
from tests.support import clips
from tests.support.command import PRETAG_PROCESS, SPARSE_SAMPLING, Pretag, with_signal


def test_version_and_exit_codes_are_printed(pretag: Pretag) -> None:
    assert pretag("--version").out == f"pretag, version {__version__}\n"
    exit_codes = pretag("--help").out.split("Exit codes:")[1].splitlines()
    assert exit_codes[1:3] == [
        "    0  done",
        "    1  the deployment is broken (model, permission, disk),",
    ]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_leaves_no_result(tmp_path: Path, number: signal.Signals, code: int) -> None:
    process = start_slow_run(tmp_path, with_signal(number, signal.SIG_DFL), every_seconds=0.01)
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == code
    assert "Traceback" not in out + err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_was_ignored_at_the_start_stays_ignored(
    tmp_path: Path, number: signal.Signals
) -> None:
    process = start_slow_run(tmp_path, with_signal(number, signal.SIG_IGN), every_seconds=0.5)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert len(list(tmp_path.glob("*/*/manifest.json"))) == 1


def start_slow_run(
    out: Path, launcher: tuple[str, ...], every_seconds: float
) -> subprocess.Popen[str]:
    """Start a run in its own process, and wait for its first image."""
    process = subprocess.Popen(
        [
            *launcher, *PRETAG_PROCESS, "run", clips.SAMPLE, "--out", out,
            "--set", f"sampling.every_seconds={every_seconds}", "--set", "dedupe.method=none",
        ],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while not list(out.glob("*/.*/images/default/*.jpg")):
        with pytest.raises(subprocess.TimeoutExpired):  # it still runs
            process.wait(0.05)
    return process


def test_a_full_standard_output_is_reported_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "no.mp4").touch()
    with Path("/dev/full").open("w") as full:
        finished = subprocess.run(
            [*PRETAG_PROCESS, "run", tmp_path / "no.mp4", "--out", tmp_path / "out", "--json"],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert finished.returncode == 1
    assert finished.stderr.startswith("pretag: Input or output failed: No space left on device.")
    assert "Traceback" not in finished.stderr


def test_a_terminal_shows_a_progress_bar(tmp_path: Path) -> None:
    assert b" s of video" in run_in_terminal(clips.SAMPLE, tmp_path)


def test_a_file_name_cannot_control_the_terminal(tmp_path: Path) -> None:
    video = tmp_path / "[red]\x1b[2J.mp4"
    shutil.copy(clips.SAMPLE, video)
    shown = run_in_terminal(video, tmp_path / "out")
    assert "[red]\N{REPLACEMENT CHARACTER}[2J.mp4".encode() in shown
    assert b"\x1b[2J" not in shown


def run_in_terminal(video: Path, out: Path) -> bytes:
    """Run `pretag run` with a terminal as standard output and error, and return its output."""
    terminal, terminal_of_process = os.openpty()
    process = subprocess.Popen(
        [*PRETAG_PROCESS, "run", video, "--out", out, *SPARSE_SAMPLING],
        stdout=terminal_of_process, stderr=terminal_of_process,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "120"},
    )  # fmt: skip
    os.close(terminal_of_process)
    shown = b"".join(iter(lambda: read_terminal(terminal), b""))
    os.close(terminal)
    assert process.wait() == 0
    return shown


def read_terminal(terminal: int) -> bytes:
    """Read output; b"" after the process closed the terminal, where Linux raises EIO."""
    try:
        return os.read(terminal, 65_536)
    except OSError:
        return b""


def test_python_m_pipeline_is_the_same_command() -> None:
    finished = subprocess.run(
        [*PRETAG_PROCESS, "--version"],
        capture_output=True, text=True, check=True, env={**os.environ, "COLUMNS": "80"},
    )  # fmt: skip
    assert finished.stdout == f"pretag, version {__version__}\n"
