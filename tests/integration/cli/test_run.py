"""`pretag run` and `pretag config`: output, files, exit codes and signals."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from pycocotools.coco import COCO

from pipeline import __version__
from pipeline.config.schema import Config
from pipeline.errors import InputFileError
from pipeline.storage.local import LocalVideo
from tests.support import clips
from tests.support.command import PRETAG_PROCESS, Pretag, with_signal

SPARSE = ("--set", "sampling.every_seconds=10", "--set", "dedupe.method=none")


def test_a_run_prints_its_stages_and_the_folder_of_the_dataset(
    pretag: Pretag, tmp_path: Path
) -> None:
    done = pretag("run", clips.SAMPLE, "--out", tmp_path, *SPARSE)
    assert done.code == 0
    assert done.err == ""
    assert "decode" in done.out
    assert "3 frames sampled, 3 kept" in done.out
    folder = Path(done.out.split("Dataset: ")[1].replace("\n", ""))
    assert folder.parent == tmp_path / "pedestrians.mp4"
    assert len(COCO(str(folder / "annotations" / "instances_default.json")).imgs) == 3


def test_json_has_a_line_for_each_video_also_after_a_rejection(
    pretag: Pretag, tmp_path: Path
) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("no video")
    done = pretag(
        "run", tmp_path / "missing.mp4", tmp_path, text, clips.SAMPLE,
        "--out", tmp_path / "out", "--json", *SPARSE,
    )  # fmt: skip
    assert done.code == 3
    assert done.err == ""
    lines = [json.loads(line) for line in done.out.splitlines()]
    assert [line["status"] for line in lines] == ["rejected", "rejected", "rejected", "done"]
    assert [line["reason"] for line in lines] == [
        "not_found",
        "is_a_directory",
        "not_a_video",
        None,
    ]
    assert lines[0]["result"] is None
    assert (Path(lines[2]["result"]) / "rejection.json").is_file()
    assert (Path(lines[3]["result"]) / "manifest.json").is_file()
    assert lines[3]["counts"]["frames_kept"] == 3
    assert lines[3]["seconds"] > 0


@pytest.mark.parametrize(
    ("name", "make", "message"),
    [
        ("missing.mp4", lambda _: None, "does not exist"),
        ("folder.mp4", Path.mkdir, "is a directory"),
        ("empty.mp4", Path.touch, "is empty (0 bytes)"),
        ("text.mp4", lambda p: p.write_text("hello"), "is not a video"),
        ("sound.mp4", clips.write_sound, "holds only sound"),
        (
            "cut.mp4",
            lambda p: p.write_bytes(
                clips.write_clip(p, [clips.texture(1)] * 20).read_bytes()[:-900]
            ),
            "is cut short",
        ),
        (
            "av1.mp4",
            lambda p: clips.name_codec(
                clips.write_clip(p, [clips.texture(1)] * 20), b"avc1", b"av01"
            ),
            "no frame of it could be decoded",
        ),
    ],
)
def test_a_rejected_video_is_reported_in_one_line(
    pretag: Pretag, tmp_path: Path, name: str, make: Callable[[Path], object], message: str
) -> None:
    make(tmp_path / name)
    done = pretag("run", tmp_path / name, "--out", tmp_path / "out")
    assert done.code == 3
    assert done.out == ""
    assert len(done.err.splitlines()) == 1
    assert done.err.startswith(f"pretag: rejected: {tmp_path / name} ")
    assert message in done.err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--set", "dedupe.treshold=3"], 2, "Config key 'dedupe.treshold' (from --set) does not"),
        (["--set", "detector.classes=persn"], 2, "did you mean 'person'?"),
        (["--config", "missing.yaml"], 2, "Config file missing.yaml cannot be read: No such file"),
        (["--set", "detector.model=no.onnx"], 1, "Model no.onnx "),
        (["--zap"], 2, "No such option '--zap'"),
    ],
)
def test_a_wrong_call_prints_the_reason_and_writes_nothing(
    pretag: Pretag, tmp_path: Path, arguments: list[str], code: int, message: str
) -> None:
    done = pretag("run", clips.SAMPLE, "--out", tmp_path, *arguments)
    assert done.code == code
    assert message in done.err
    assert list(tmp_path.iterdir()) == []


def test_each_wrong_key_is_reported_in_a_line_of_its_own(pretag: Pretag, tmp_path: Path) -> None:
    done = pretag(
        "run", clips.SAMPLE, "--out", tmp_path,
        "--set", "dedupe.method=x", "--set", "output.jpeg_quality=0",
    )  # fmt: skip
    assert done.code == 2
    assert [line.split("'")[1] for line in done.err.splitlines()] == [
        "dedupe.method",
        "output.jpeg_quality",
    ]


def test_a_config_file_that_is_not_utf8_is_refused(pretag: Pretag, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_bytes(b"\xff\xfe")
    done = pretag("run", clips.SAMPLE, "--out", tmp_path, "--config", tmp_path / "c.yaml")
    assert (done.code, "it is not UTF-8 text" in done.err) == (2, True)


def test_an_output_folder_that_cannot_be_created_is_reported(
    pretag: Pretag, tmp_path: Path
) -> None:
    (tmp_path / "pedestrians.mp4").write_text("in the way")
    done = pretag("run", clips.SAMPLE, "--out", tmp_path)
    assert done.code == 1
    assert "cannot be written: File exists" in done.err


def test_set_overrides_the_environment_which_overrides_the_file(
    pretag: Pretag, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "c.toml"
    file.write_text("[sampling]\nevery_seconds = 30\n[output]\njpeg_quality = 50\nimages = false\n")
    monkeypatch.setenv("PRETAG_CONFIG", str(file))
    monkeypatch.setenv("PRETAG_SAMPLING__EVERY_SECONDS", "25")
    monkeypatch.setenv("PRETAG_OUTPUT__JPEG_QUALITY", "60")
    done = pretag(
        "run", clips.SAMPLE, "--out", tmp_path, "--json", "--set", "sampling.every_seconds=15"
    )
    stored = json.loads((Path(json.loads(done.out)["result"]) / "config.json").read_text())
    assert stored["config"]["sampling"]["every_seconds"] == 15
    assert stored["config"]["output"] == {"images": False, "jpeg_quality": 60}


def test_config_prints_the_defaults_as_yaml(pretag: Pretag) -> None:
    done = pretag("config")
    assert done.code == 0
    assert Config.model_validate(yaml.safe_load(done.out)) == Config()
    assert "# Largest Hamming distance" in done.out


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
    process = start_slow_run(tmp_path, with_signal(number, signal.SIG_IGN), every_seconds=0.2)
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
        assert process.poll() is None
    return process


def test_a_video_that_may_not_be_read_does_not_stop_the_others(
    pretag: Pretag, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = LocalVideo.at

    def forbidden(path: Path) -> LocalVideo:
        if path.name == "secret.mp4":
            raise InputFileError(f"{path} cannot be read: Permission denied.")
        return at(path)

    monkeypatch.setattr(LocalVideo, "at", forbidden)
    done = pretag("run", "secret.mp4", clips.SAMPLE, "--out", tmp_path, "--json", *SPARSE)
    assert done.code == 1
    assert done.err == "pretag: secret.mp4 cannot be read: Permission denied.\n"
    assert json.loads(done.out)["status"] == "done"


def test_bytes_of_a_file_name_that_are_not_utf8_are_replaced(
    pretag: Pretag, tmp_path: Path
) -> None:
    not_utf8 = Path(os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff.mp4"))
    shutil.copy(clips.SAMPLE, not_utf8)
    missing = os.fsdecode(b"none\xff.mp4")
    done = pretag("run", not_utf8, missing, "--out", tmp_path / "out", "--json", *SPARSE)
    assert done.code == 3
    first, second = (json.loads(line) for line in done.out.splitlines())
    assert first["video"] == f"{tmp_path}/bad\ufffd.mp4"
    assert (Path(first["result"]) / "manifest.json").is_file()
    assert second["reason"] == "not_found"


def test_a_full_standard_output_is_reported_in_one_line(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        finished = subprocess.run(
            [*PRETAG_PROCESS, "run", "no.mp4", "--out", tmp_path, "--json"],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert finished.returncode == 1
    assert finished.stderr.startswith("pretag: Input or output failed: No space left on device.")
    assert "Traceback" not in finished.stderr


def test_a_terminal_shows_a_progress_bar(tmp_path: Path) -> None:
    shown = run_in_terminal(clips.SAMPLE, tmp_path)
    assert b"pedestrians.mp4" in shown


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
        [*PRETAG_PROCESS, "run", video, "--out", out, *SPARSE],
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
