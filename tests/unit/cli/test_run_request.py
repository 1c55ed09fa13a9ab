"""The command `run` decodes its first video before it imports the rest."""

import os
import select
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.cli.run_request import RunRequest
from pipeline.decoding.process.launching import Child
from tests.support.clips import SAMPLE

HEAVY = {"PIL", "boto3", "cv2", "jinja2", "onnxruntime", "rich", "yaml"}
THREE_FRAMES = "sampling.every_seconds=10"


@pytest.fixture
def child(monkeypatch: pytest.MonkeyPatch) -> Child:
    """Return the child that the next video gets."""
    child = Child("pyav")
    monkeypatch.setattr("pipeline.decoding.opening.take_child", lambda _backend: child)
    return child


def request(out: Path, *assignments: str, video: Path = SAMPLE, jobs: int = 1) -> RunRequest:
    return RunRequest.of((str(video),), str(out), None, assignments, jobs)


def test_what_is_imported_before_the_first_video_is_decoded() -> None:
    code = "import sys, pipeline.cli.run, pipeline.cli.run_request; print(*sys.modules)"
    finished = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    packages = {name.partition(".")[0] for name in finished.stdout.split()}
    assert not packages & HEAVY
    assert {"click", "numpy", "pydantic"} <= packages


def test_the_first_video_is_decoded_before_its_frames_are_asked_for(
    tmp_path: Path, child: Child
) -> None:
    with request(tmp_path, THREE_FRAMES).first_video():
        descriptor = os.pidfd_open(child.process_id)
        ended, _, _ = select.select([descriptor], [], [], 60)
        os.close(descriptor)
    assert ended


def test_the_decoder_of_the_first_video_ends_with_the_block(tmp_path: Path, child: Child) -> None:
    process = Path(f"/proc/{child.process_id}")
    with request(tmp_path, "sampling.every_seconds=0.1").first_video() as first:
        assert first is not None
        assert process.exists()
    assert not process.exists()


def test_the_processes_of_several_jobs_open_their_videos_themselves(tmp_path: Path) -> None:
    with request(tmp_path, jobs=2).first_video() as first:
        assert first is None


def test_a_first_video_that_cannot_be_read_is_left_to_its_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = request(tmp_path)

    def fail(_path: Path, _mode: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", fail)
    with wanted.first_video() as first:
        assert first is None


def test_a_first_video_that_is_too_large_is_not_opened(tmp_path: Path) -> None:
    with request(tmp_path, "limits.gigabytes=0.001").first_video() as first:
        assert first is None


def test_the_content_of_a_first_video_is_not_read_to_identify_it_before_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_path: Path) -> str:
        raise AssertionError

    monkeypatch.setattr("pipeline.storage.local.sha256_of_file", fail)
    with request(tmp_path, THREE_FRAMES).first_video() as first:
        assert first is not None
