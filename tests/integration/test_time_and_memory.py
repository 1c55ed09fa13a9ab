"""Videos that do not fit the time or the memory of the function: one rejection, nothing else."""

import io
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline.config.schema import Config
from pipeline.decoding.memory import memory_shortage
from pipeline.detection.detector import Detector
from pipeline.errors import RetryableError
from pipeline.outcome import Outcome
from pipeline.resources.budget import Budget
from pipeline.resources.capacity import Capacity
from pipeline.resources.deadline import Deadline
from pipeline.run import annotate
from pipeline.storage.local import FolderStore, LocalVideo
from pipeline.storage.source import ByteStream
from tests.support import clips
from tests.support.command import PRETAG_PROCESS
from tests.support.deadlines import CalledDeadline, ManualDeadline
from tests.support.runs import data_files_of, default_model, files_of, run

FUNCTION = Capacity(megabytes=3008, seconds=900)
EACH_FRAME = {"every_seconds": 0.1}


def textures_clip(path: Path, frames: int = 60) -> Path:
    return clips.write_clip(path, clips.textures(frames, 64, 48))


def assert_is_only_a_rejection(outcome: Outcome, reason: str) -> str:
    assert (outcome.status, outcome.reason) == ("rejected", reason)
    assert set(files_of(outcome)) == {"rejection.json"}
    assert outcome.message is not None
    return outcome.message


def test_a_budget_that_is_large_enough_changes_no_byte(tmp_path: Path) -> None:
    budget = Budget(Deadline.after(100_000), FUNCTION)
    limited = run(tmp_path / "a", budget=budget)
    assert data_files_of(limited) == data_files_of(run(tmp_path / "b"))


def test_a_deadline_that_is_over_is_a_rejection(tmp_path: Path) -> None:
    outcome = run(tmp_path, budget=Budget(Deadline.after(0), FUNCTION))
    assert_is_only_a_rejection(outcome, "too_long_for_function")
    assert outcome.log.counts()["frames_decoded"] == 0


@pytest.mark.parametrize("cpus", [1, 2])
def test_a_video_that_cannot_fit_is_rejected_early(tmp_path: Path, cpus: int) -> None:
    video = textures_clip(tmp_path / "clip.mp4")
    deadline = ManualDeadline(900)
    outcome = run(
        tmp_path / "out",
        video,
        cpus=cpus,
        on_progress=lambda _done, _total: deadline.spend(30),
        sampling=EACH_FRAME,
        budget=Budget(deadline, FUNCTION),
    )
    message = assert_is_only_a_rejection(outcome, "too_long_for_function")
    # Frames 0 to 19 took 600 of 900 seconds; the other 40 would take 1,200.
    assert deadline.seconds_left() == 300
    assert "After 600 seconds of work, 2 of 6 seconds of video were done" in message
    assert "all of it takes about 1830 seconds" in message
    assert "the function has 900 seconds and 3008 MB" in message


def test_a_slow_start_is_not_extrapolated(tmp_path: Path) -> None:
    video = textures_clip(tmp_path / "clip.mp4")
    deadline = ManualDeadline(900)
    outcome = run(
        tmp_path / "out",
        video,
        on_progress=lambda done, _total: deadline.spend(60 if done < 1 else 1),
        sampling=EACH_FRAME,
        budget=Budget(deadline, FUNCTION),
    )
    assert outcome.status == "done"
    assert deadline.seconds_left() == 900 - 10 * 60 - 50


def test_a_video_without_a_length_is_rejected_before_the_end(tmp_path: Path) -> None:
    live = {"live": "1"}
    path = tmp_path / "live.mkv"
    video = clips.write_clip(path, clips.textures(60, 64, 48), container_options=live)
    deadline = ManualDeadline(900)
    lengths = set()

    def spend(_done: float, header_seconds: float | None) -> None:
        lengths.add(header_seconds)
        deadline.spend(30)

    outcome = run(
        tmp_path / "out",
        video,
        on_progress=spend,
        sampling=EACH_FRAME,
        budget=Budget(deadline, FUNCTION),
    )
    message = assert_is_only_a_rejection(outcome, "too_long_for_function")
    assert lengths == {None}
    assert deadline.seconds_left() == 0  # 30 seconds before, the reserve of 20 was left
    assert "its header gives no length" in message


def test_a_length_that_is_a_lie_is_not_believed(tmp_path: Path) -> None:
    # The clock of the last packets is set an hour on, and the header's length is their time.
    hour_ms = 3600_000
    times_ms = [number * 100 + (hour_ms if number >= 58 else 0) for number in range(60)]
    video = clips.write_clip(
        tmp_path / "cam.mkv", clips.textures(60, 640, 480), times_ms=times_ms, options={"qp": "1"}
    )
    deadline, lengths = ManualDeadline(900), set()

    def spend(_done: float, header_seconds: float | None) -> None:
        lengths.add(header_seconds)
        deadline.spend(10)

    outcome = run(
        tmp_path / "out",
        video,
        on_progress=spend,
        sampling=EACH_FRAME,
        budget=Budget(deadline, FUNCTION),
    )
    assert outcome.status == "done"
    assert all(length is not None and length > 3600 for length in lengths)


def test_a_video_after_others_of_its_event_is_tried_again_instead_of_being_rejected(
    tmp_path: Path,
) -> None:
    budget = Budget(ManualDeadline(0), FUNCTION, is_whole=False)
    with pytest.raises(RetryableError, match="Other videos of the event took a part of the time"):
        run(tmp_path / "out", budget=budget)
    assert not any((tmp_path / "out").iterdir())


class StuckStream(io.BytesIO):
    """A stream of which a read beyond the first bytes does not return until it is released."""

    def __init__(self, data: bytes, released: threading.Event) -> None:
        super().__init__(data)
        self._released = released

    def read(self, size: int | None = -1, /) -> bytes:
        """Return bytes, after the release."""
        if self.tell() > 0:
            assert self._released.wait(30)
        return super().read(size)


class StuckVideo(LocalVideo):
    """A file with a stream that is stuck."""

    released = threading.Event()

    @contextmanager
    def open(self) -> Iterator[ByteStream]:
        """Open the stream."""
        yield StuckStream(self.path.read_bytes(), self.released)


def test_a_decoder_that_is_stuck_does_not_outlive_the_time(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    source, config = StuckVideo.at(clips.SAMPLE), Config()
    # The deadline is over at the third time that it is asked for, and the read returns then.
    deadline = CalledDeadline(900, questions=3, on_end=StuckVideo.released.set)
    outcome = annotate(
        source,
        config,
        Detector(default_model(), config.detector),
        lambda run_id: FolderStore(tmp_path, source.name, run_id),
        cpus=1,
        budget=Budget(deadline, FUNCTION),
    )
    message = assert_is_only_a_rejection(outcome, "too_long_for_function")
    assert "After 900 seconds of work" in message
    assert set(threading.enumerate()) == before


@pytest.fixture(scope="module")
def clip_8k(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("8k") / "8k.mov"
    return clips.write_clip(path, clips.textures(3), codec="mjpeg", size=(7680, 4320))


def test_a_video_that_cannot_fit_the_memory_is_rejected_before_a_frame_is_decoded(
    tmp_path: Path, clip_8k: Path
) -> None:
    outcome = run(tmp_path, clip_8k, budget=Budget(Deadline.never(), Capacity(512, 900)))
    message = assert_is_only_a_rejection(outcome, "too_large_for_function")
    assert "has images of 7680x4320 (33.2 megapixels, 95 MB each)" in message
    assert "The function has 512 MB" in message
    assert outcome.log.counts()["frames_decoded"] == 0


def test_the_same_video_is_tried_with_a_little_more_memory(tmp_path: Path, clip_8k: Path) -> None:
    budget = Budget(Deadline.never(), Capacity(640, 900))
    outcome = run(tmp_path, clip_8k, budget=budget, sampling=EACH_FRAME)
    assert outcome.log.counts()["frames_kept"] == 3


def test_no_video_is_rejected_that_would_have_fitted(tmp_path: Path, clip_8k: Path) -> None:
    # In a process of its own, whose peak is that of this video.
    command = (*PRETAG_PROCESS, "run", str(clip_8k), "--out", str(tmp_path))
    subprocess.run((*command, "--set", "sampling.every_seconds=0.1"), check=True)
    (report,) = tmp_path.rglob("report.md")
    peak = re.search(r"Peak memory (\d+) MB", report.read_text())
    assert peak is not None
    capacity = Capacity(int(peak[1]), 900)
    assert memory_shortage(7680, 4320, 1, capacity, stored_pixels=7680 * 4320) is None
