"""`pretag run` takes the first video that it opened ahead, and closes it in time."""

import csv
from pathlib import Path

import pytest

from pipeline.decoding.process.launching import Child
from pipeline.errors import BrokenError
from tests.support.clips import SAMPLE
from tests.support.command import SPARSE_SAMPLING, Pretag


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> list[Child]:
    """Return the list of children that videos get. It grows."""
    made = []

    def make(_backend: str) -> Child:
        made.append(Child("pyav"))
        return made[-1]

    monkeypatch.setattr("pipeline.decoding.opening.take_child", make)
    return made


def test_a_run_opens_its_video_once(pretag: Pretag, tmp_path: Path, children: list[Child]) -> None:
    done = pretag("run", SAMPLE, "--out", tmp_path, *SPARSE_SAMPLING)
    assert (done.code, done.err, len(children)) == (0, "", 1)


def test_the_time_of_a_run_has_that_of_decoding_in_it(pretag: Pretag, tmp_path: Path) -> None:
    pretag("run", SAMPLE, "--out", tmp_path, "--set", "sampling.every_seconds=30")
    (table,) = tmp_path.rglob("logs.csv")
    rows = {
        row["stage"]: float(row["seconds"])
        for row in csv.DictReader(table.read_text().splitlines())
    }
    assert rows["total"] > rows["decode"] > 0


def test_a_first_video_that_has_a_dataset_already_is_closed_before_the_next_one(
    pretag: Pretag, tmp_path: Path, children: list[Child], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "videos" / "other.mp4"
    other.parent.mkdir()
    other.write_bytes(SAMPLE.read_bytes()[:-1])
    pretag("run", SAMPLE, "--out", tmp_path / "out", *SPARSE_SAMPLING)
    children.clear()
    gone: list[bool] = []

    def note(_source: object, _limits: object) -> None:
        gone.extend(not Path(f"/proc/{child.process_id}").exists() for child in children)

    monkeypatch.setattr("pipeline.run.check_file_size", note)  # the first step of each video's work
    done = pretag("run", SAMPLE, other, "--out", tmp_path / "out", *SPARSE_SAMPLING)
    assert (done.code, len(children), gone) == (0, 2, [True])


def test_a_first_video_that_fails_before_its_work_is_closed_before_the_next_one(
    pretag: Pretag, tmp_path: Path, children: list[Child], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other.mp4"
    other.write_bytes(SAMPLE.read_bytes())
    alive = []

    def fail_once(_root: Path, folder: str, _source: object) -> str:
        alive.append([Path(f"/proc/{child.process_id}").exists() for child in children])
        if len(alive) == 1:
            raise BrokenError("The disk is full.")
        return folder

    monkeypatch.setattr("pipeline.cli.result_place.own_folder_below", fail_once)
    done = pretag("run", SAMPLE, other, "--out", tmp_path / "out", *SPARSE_SAMPLING)
    assert (done.code, alive) == (1, [[True], [False]])
    assert "The disk is full." in done.err + done.out
