"""Worker processes: order, errors, and what happens if one is killed."""

import errno
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.concurrency.worker_pool import Report, Work, WorkerPool
from pipeline.errors import BrokenError, RejectedError


@dataclass(frozen=True)
class Squares:
    """Prepares what returns the square of a number.

    Attributes:
        folder: a process that works on a number below `deadly` leaves a file here and is killed,
            unless so many files are there.
        deadly: see there.
        deaths: how many processes are killed over a number.
    """

    folder: Path
    deadly: int = 0
    deaths: int = 1

    def __call__(self) -> Work[int, int]:
        def work(number: int, report: Report) -> int:
            if number < 0:
                raise RejectedError("negative", "It is negative.")
            seen = len(list(self.folder.glob(f"{number}-*")))
            if number < self.deadly and seen < self.deaths:
                (self.folder / f"{number}-{seen}").touch()
                os.kill(os.getpid(), signal.SIGKILL)
            report(number / 2, None)
            return number**2

        return work


def test_results_come_in_order_with_progress(tmp_path: Path) -> None:
    progress: dict[int, float] = {}
    ended: list[int] = []

    def add(number: int, done: float, _total: float | None) -> None:
        progress[number] = done

    with WorkerPool(2, Squares(tmp_path)) as pool:
        assert list(pool.map(range(10, 15), add, ended.append)) == [100, 121, 144, 169, 196]
        assert list(pool.map([3])) == [9]  # the same processes again
    assert progress == {0: 5.0, 1: 5.5, 2: 6.0, 3: 6.5, 4: 7.0}
    assert sorted(ended) == [0, 1, 2, 3, 4]


def test_a_killed_process_costs_nothing_but_its_time(tmp_path: Path) -> None:
    with WorkerPool(2, Squares(tmp_path, deadly=3)) as pool:
        assert list(pool.map(range(5))) == [0, 1, 4, 9, 16]
    assert len(list(tmp_path.iterdir())) == 3


def test_a_task_that_kills_twice_is_given_up(tmp_path: Path) -> None:
    with (
        WorkerPool(1, Squares(tmp_path, deadly=1, deaths=2)) as pool,
        pytest.raises(BrokenError, match="killed"),
    ):
        list(pool.map(range(2)))


def test_a_task_that_kills_twice_may_have_a_result_and_the_others_go_on(tmp_path: Path) -> None:
    with WorkerPool(2, Squares(tmp_path, deadly=1, deaths=2)) as pool:
        assert list(pool.map(range(3), given_up=lambda number: number - 1)) == [-1, 1, 4]


@dataclass(frozen=True)
class Tidy:
    """Prepares what waits in a folder, and removes its file there when it ends."""

    folder: Path

    def __call__(self) -> Work[int, int]:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))

        def work(number: int, report: Report) -> int:
            file = self.folder / str(number)
            try:
                file.touch()
                report(0, None)
                signal.pause()
            finally:
                file.unlink()
            return number

        return work


def test_processes_that_have_time_to_end_tidy_up(tmp_path: Path) -> None:
    begun: set[int] = set()

    def interrupt(number: int, _done: float, _total: float | None) -> None:
        begun.add(number)
        if len(begun) == 2:
            assert len(list(tmp_path.iterdir())) == 2
            raise KeyboardInterrupt

    with (
        pytest.raises(KeyboardInterrupt),
        WorkerPool(2, Tidy(tmp_path), end_seconds=20) as pool,
    ):
        list(pool.map(range(2), interrupt))
    assert list(tmp_path.iterdir()) == []


def test_an_error_comes_as_what_it_was(tmp_path: Path) -> None:
    with WorkerPool(2, Squares(tmp_path)) as pool, pytest.raises(RejectedError) as raised:
        list(pool.map([1, -1, 2]))
    assert (raised.value.reason, str(raised.value)) == ("negative", "It is negative.")


@dataclass(frozen=True)
class Fails:
    """Prepares what fails with an `OSError`, after it left a file with a new name in a folder."""

    folder: Path
    in_prepare: bool

    def __call__(self) -> Work[int, int]:
        if self.in_prepare:
            self.fail()
        return lambda _number, _report: self.fail()

    def fail(self) -> int:
        (self.folder / f"{len(list(self.folder.iterdir()))}").touch()
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE)) from ValueError("the cause")


@pytest.mark.parametrize("in_prepare", [False, True])
def test_an_error_of_the_system_is_no_killed_process(tmp_path: Path, *, in_prepare: bool) -> None:
    with (
        WorkerPool(1, Fails(tmp_path, in_prepare)) as pool,
        pytest.raises(OSError, match="Too many open files") as raised,
    ):
        list(pool.map([1]))
    assert raised.value.errno == errno.EMFILE
    assert "ValueError: the cause" in raised.value.__notes__[0]
    assert len(list(tmp_path.iterdir())) == 1  # it is not done again


def unpicklable() -> Work[int, int]:
    class LocalError(Exception):
        pass

    def work(_number: int, _report: Report) -> int:
        raise LocalError("It is here.")

    return work


def test_an_error_that_cannot_be_pickled_is_told_in_words() -> None:
    with WorkerPool(1, unpicklable) as pool, pytest.raises(BrokenError, match=r"LocalError: It is"):
        list(pool.map([1]))


def test_watch_may_give_up(tmp_path: Path) -> None:
    def give_up() -> None:
        raise KeyboardInterrupt

    with (
        pytest.raises(KeyboardInterrupt),
        WorkerPool(2, Squares(tmp_path), watch=give_up) as pool,
    ):
        list(pool.map(range(4)))
