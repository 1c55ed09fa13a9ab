"""The command line as a person meets it: what it prints, and how it exits."""

import json
import os
import shutil
import signal
import subprocess
import sys
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
from tests.support.command import Pretag

SPARSE = ("--set", "sampling.every_seconds=10", "--set", "dedupe.method=none")


def test_a_run_shows_its_stages_and_where_the_dataset_is(pretag: Pretag, tmp_path: Path) -> None:
    done = pretag("run", clips.SAMPLE, "--out", tmp_path, *SPARSE)
    assert done.code == 0
    assert done.err == ""
    assert "decode" in done.out
    assert "3 frames to label of 3 sampled" in done.out
    folder = Path(done.out.split("Dataset: ")[1].replace("\n", ""))
    assert folder.parent == tmp_path / "pedestrians.mp4"
    assert len(COCO(str(folder / "annotations" / "instances_default.json")).imgs) == 3


def test_json_has_a_line_a_video_and_goes_on_after_a_rejection(
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
    ("name", "make", "says"),
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
def test_a_bad_video_is_one_clear_line(
    pretag: Pretag, tmp_path: Path, name: str, make: Callable[[Path], object], says: str
) -> None:
    make(tmp_path / name)
    done = pretag("run", tmp_path / name, "--out", tmp_path / "out")
    assert done.code == 3
    assert done.out == ""
    assert len(done.err.splitlines()) == 1
    assert done.err.startswith(f"pretag: rejected: {tmp_path / name} ")
    assert says in done.err


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--set", "dedupe.treshold=3"], 2, "Config key 'dedupe.treshold' (from --set) does not"),
        (["--set", "detector.classes=persn"], 2, "did you mean 'person'?"),
        (["--config", "missing.yaml"], 2, "Config file missing.yaml cannot be read: No such file"),
        (["--set", "detector.model=no.onnx"], 1, "Model no.onnx is not there"),
        (["--zap"], 2, "No such option '--zap'"),
    ],
)
def test_a_wrong_call_is_one_clear_line(
    pretag: Pretag, tmp_path: Path, arguments: list[str], code: int, says: str
) -> None:
    done = pretag("run", clips.SAMPLE, "--out", tmp_path, *arguments)
    assert done.code == code
    assert says in done.err
    assert list(tmp_path.iterdir()) == []


def test_a_config_file_that_is_no_text(pretag: Pretag, tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_bytes(b"\xff\xfe")
    done = pretag("run", clips.SAMPLE, "--out", tmp_path, "--config", tmp_path / "c.yaml")
    assert (done.code, "it is not UTF-8 text" in done.err) == (2, True)


def test_an_output_folder_that_cannot_be(pretag: Pretag, tmp_path: Path) -> None:
    (tmp_path / "pedestrians.mp4").write_text("in the way")
    done = pretag("run", clips.SAMPLE, "--out", tmp_path)
    assert done.code == 1
    assert "cannot be written: File exists" in done.err


def test_file_environment_and_set_in_that_order(
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


def test_config_prints_a_file_to_start_from(pretag: Pretag) -> None:
    done = pretag("config")
    assert done.code == 0
    assert Config.model_validate(yaml.safe_load(done.out)) == Config()
    assert "# Largest Hamming distance" in done.out


def test_model_list(pretag: Pretag, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    done = pretag("model", "list")
    assert done.code == 0
    assert "* ssdlite_mobilenet_v2_coco Apache-2.0 469517c4dc98" in " ".join(done.out.split())
    (tmp_path / "bare.onnx").touch()
    monkeypatch.setattr("pipeline.detection.model.MODELS_DIRECTORY", tmp_path)
    assert "bare ? ? no card beside it" in " ".join(pretag("model", "list").out.split())


def test_version_and_help(pretag: Pretag) -> None:
    assert pretag("--version").out == f"pretag, version {__version__}\n"
    assert "Exit codes: 0 done" in pretag("--help").out


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_leaves_no_result(tmp_path: Path, number: signal.Signals, code: int) -> None:
    slow = ("--set", "sampling.every_seconds=0.01", "--set", "dedupe.method=none")
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline", "run", clips.SAMPLE, "--out", tmp_path, *slow],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    home = tmp_path / clips.SAMPLE.name
    while not list(home.glob(".*/images/default/*.jpg")):
        assert process.poll() is None
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == code
    assert "Traceback" not in out + err
    assert list(tmp_path.iterdir()) == []


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


def test_names_that_are_no_text_are_shown_as_well_as_can_be(pretag: Pretag, tmp_path: Path) -> None:
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff.mp4"))
    shutil.copy(clips.SAMPLE, odd)
    missing = os.fsdecode(b"none\xff.mp4")
    done = pretag("run", odd, missing, "--out", tmp_path / "out", "--json", *SPARSE)
    assert done.code == 3
    first, second = (json.loads(line) for line in done.out.splitlines())
    assert first["video"] == f"{tmp_path}/bad\ufffd.mp4"
    assert (Path(first["result"]) / "manifest.json").is_file()
    assert second["reason"] == "not_found"


def test_a_full_standard_output_is_one_line(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        finished = subprocess.run(
            [sys.executable, "-m", "pipeline", "run", "no.mp4", "--out", tmp_path, "--json"],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert finished.returncode == 1
    assert finished.stderr.startswith("pretag: No space left on device")
    assert "Traceback" not in finished.stderr


def test_the_progress_bar_is_for_terminals(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline", "run", clips.SAMPLE, "--out", tmp_path, *SPARSE],
        stdout=subprocess.DEVNULL, stderr=theirs, env={**os.environ, "TERM": "xterm"},
    )  # fmt: skip
    os.close(theirs)
    shown = b"".join(iter(lambda: terminal_output(ours), b""))
    os.close(ours)
    assert process.wait() == 0
    assert b"pedestrians.mp4" in shown


def terminal_output(ours: int) -> bytes:
    """Read what a terminal shows; at its end Linux says EIO, other systems nothing."""
    try:
        return os.read(ours, 65_536)
    except OSError:
        return b""


def test_python_m_pipeline_is_the_same_command() -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "pipeline", "--version"],
        capture_output=True, text=True, check=True, env={**os.environ, "COLUMNS": "80"},
    )  # fmt: skip
    assert finished.stdout == f"pretag, version {__version__}\n"
