"""`pretag run --jobs` with several videos: each in a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support import clips
from tests.support.command import PRETAG_PROCESS, with_signal
from tests.support.processes import workers_of
from tests.support.runs import FILES_WITH_TIMES


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    """Return a folder with three videos and a file that is none, in the order of their names."""
    folder = tmp_path / "videos"
    folder.mkdir()
    for seed, name in enumerate(("a.mp4", "c.mp4", "d.mp4")):
        clips.write_clip(folder / name, [clips.texture(10 * seed + each) for each in range(20)])
    (folder / "b.mp4").write_text("no video")
    return folder


def run(videos: Path, out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PRETAG_PROCESS, "run", videos, "--out", out, "--json", *options],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def data_files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name not in {*FILES_WITH_TIMES, "latest.json", "rejection.json"}
    }


def facts(out: str) -> list[dict[str, Any]]:
    lines = map(json.loads, out.splitlines())
    names = ("video", "status", "reason", "counts")
    return [{name: line[name] for name in names} for line in lines]


def test_the_results_are_those_of_one_process_in_the_order_of_the_videos(
    videos: Path, tmp_path: Path
) -> None:
    options = ("--set", "sampling.every_seconds=0.2")
    one = run(videos, tmp_path / "one", *options)
    many = run(videos, tmp_path / "many", *options, "--jobs", "3")
    assert (one.returncode, many.returncode, many.stderr) == (3, 3, one.stderr)
    assert facts(many.stdout) == facts(one.stdout)
    assert [line["status"] for line in facts(many.stdout)] == ["done", "rejected", "done", "done"]
    assert data_files(tmp_path / "many") == data_files(tmp_path / "one")
    again = run(videos, tmp_path / "many", *options, "--jobs", "2")
    assert [(line["status"], line["reason"]) for line in facts(again.stdout)] == [
        ("repeated", None), ("rejected", "not_a_video"), ("repeated", None), ("repeated", None),
    ]  # fmt: skip


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_ends_all_processes_and_leaves_no_result(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    process = start_slow_run(tmp_path, with_signal(number, signal.SIG_DFL), every_seconds=0.01)
    workers = workers_of(process.pid)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (code, "")
    assert "Traceback" not in err
    assert len(workers) == 2
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_process_that_is_killed_costs_nothing_but_its_time(tmp_path: Path) -> None:
    process = start_slow_run(tmp_path, (), every_seconds=0.5)
    for worker in workers_of(process.pid):
        os.kill(worker, signal.SIGKILL)
    out, err = process.communicate(timeout=300)
    assert (process.returncode, err) == (0, "")
    assert [line["status"] for line in facts(out)] == ["done"] * 3


def start_slow_run(
    folder: Path, launcher: tuple[str, ...], every_seconds: float
) -> subprocess.Popen[str]:
    """Start a run of three videos in two processes, and wait until both have written an image."""
    videos = [folder / f"{name}.mp4" for name in "abc"]
    for video in videos:
        shutil.copy(clips.SAMPLE, video)
    out = folder / "out"
    process = subprocess.Popen(
        [
            *launcher, *PRETAG_PROCESS, "run", *videos, "--out", out, "--json", "--jobs", "2",
            "--set", f"sampling.every_seconds={every_seconds}", "--set", "dedupe.method=none",
        ],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while len({path.parts[-4] for path in out.glob("*/.*/images/default/*.jpg")}) < 2:
        assert process.poll() is None
    return process
