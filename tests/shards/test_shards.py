"""`pretag run --jobs`: the files of one process, also with processes that are killed from outside.

Each test starts several processes that load the model, so they are not among the fast tests.
"""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from pipeline.config.schema import Config
from pipeline.detection.detector import Detector
from pipeline.outcome import Outcome
from pipeline.run import Progress
from pipeline.run_in_shards import annotate_in_shards
from pipeline.storage.local import FolderStore, LocalVideo
from tests.support import clips
from tests.support.parts import clip_with_repeated_scenes
from tests.support.processes import workers_of
from tests.support.runs import data_files_of, default_model, files_of, run

SECTIONS: dict[str, Any] = {"segment": {"seconds": 2}, "sampling": {"every_seconds": 0.25}}


def run_in_shards(
    out: Path, video: Path, on_progress: Progress = lambda _done, _total: None, **sections: object
) -> Outcome:
    config = Config.model_validate(SECTIONS | sections)
    source = LocalVideo.at(video)
    return annotate_in_shards(
        source,
        config,
        Detector(default_model(), config.detector),
        lambda run_id: FolderStore(out, source.name, run_id),
        processes=2,
        on_progress=on_progress,
    )


@pytest.mark.parametrize(
    "sections",
    [
        {},
        {"dedupe": {"method": "none"}},
        {"dedupe": {"compare_with": 2}},
        {"output": {"images": False}},
        {"output": {"archive": "zip"}},
        {"output": {"archive": "tar", "exports": ["cvat"]}},
        {"sampling": {"every_seconds": 0.3, "start_seconds": 1.1, "end_seconds": 9}},
        {"sampling": {"every_seconds": 0.3, "snap": "key"}},
        {"sampling": {"every_seconds": 1.3, "snap": "key"}},
    ],
    ids=["default", "none", "last two", "no images", "zip", "tar", "range", "between", "keys"],
)
def test_the_files_are_those_of_one_process(tmp_path: Path, sections: dict[str, Any]) -> None:
    video = clip_with_repeated_scenes(tmp_path / "clip.mp4")
    one = run(tmp_path / "one", video, **(SECTIONS | sections))
    many = run_in_shards(tmp_path / "many", video, **sections)
    assert data_files_of(many) == data_files_of(one)
    assert files_of(many).keys() == files_of(one).keys()
    assert many.log.counts() == one.log.counts()


def test_killed_workers_change_nothing(tmp_path: Path) -> None:
    video = clip_with_repeated_scenes(tmp_path / "clip.mp4")
    one = run(tmp_path / "one", video, **SECTIONS)
    killed: list[int] = []

    def kill_each_once(_done: float, _total: float | None) -> None:
        if len(killed) < 2:
            for worker in workers_of()[:1]:
                killed.append(worker)
                os.kill(worker, signal.SIGKILL)

    many = run_in_shards(tmp_path / "many", video, kill_each_once)
    assert killed
    assert data_files_of(many) == data_files_of(one)
    assert files_of(many).keys() == files_of(one).keys()


def test_a_damaged_video_is_done_by_one_process(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    video = clips.zero_bytes(clip_with_repeated_scenes(tmp_path / "clip.mp4"), 0.5, 2000)
    one = run(tmp_path / "one", video, **SECTIONS)
    with caplog.at_level("INFO"):
        many = run_in_shards(tmp_path / "many", video)
    assert "is done by one process" in caplog.text
    assert data_files_of(many) == data_files_of(one)
    assert files_of(many).keys() == files_of(one).keys()
    assert many.log.coverage == one.log.coverage


def test_a_rejected_video_is_rejected_as_by_one_process(tmp_path: Path) -> None:
    video = tmp_path / "clip.mp4"
    video.write_bytes(b"no video" * 100)
    one, many = run(tmp_path / "one", video), run_in_shards(tmp_path / "many", video)
    assert (many.status, many.reason, many.message) == (one.status, one.reason, one.message)


def test_ctrl_c_ends_all_processes_and_leaves_nothing(tmp_path: Path) -> None:
    video = clip_with_repeated_scenes(tmp_path / "clip.mp4")
    seen: list[int] = []

    def interrupt(_done: float, _total: float | None) -> None:
        if not seen:
            seen.extend(workers_of())
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        run_in_shards(tmp_path / "many", video, interrupt)
    assert len(seen) == 2
    assert workers_of() == []
    assert not list((tmp_path / "many").rglob("*.jpg"))
