"""Kill worker processes of this process from outside, as a lack of memory does."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# How multiprocessing starts a process that it spawns.
_WORKER = b"spawn_main"


@contextmanager
def kill_every(seconds: float | None) -> Iterator[list[int]]:
    """Kill the oldest worker process every so many seconds, in the block; None: kill none.

    The oldest one, so that a process which does the work of a killed one again is killed last.

    Yields:
        The ids of the processes that were killed so far.
    """
    killed: list[int] = []
    is_over = Event()

    def kill() -> None:
        while not is_over.wait(seconds):
            for process in _workers()[:1]:
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
                    killed.append(process)

    thread = Thread(target=kill, daemon=True)
    thread.start()
    try:
        yield killed
    finally:
        is_over.set()
        thread.join()


def _workers() -> list[int]:
    """Return the ids of this process's workers that live, the oldest first. Linux only."""
    tasks = Path(f"/proc/{os.getpid()}/task")
    children = [int(each) for path in tasks.glob("*/children") for each in path.read_text().split()]
    return sorted((each for each in children if _is_worker(each)), key=_start_of)


def _is_worker(process: int) -> bool:
    with suppress(OSError):
        return _WORKER in Path(f"/proc/{process}/cmdline").read_bytes()
    return False


def _start_of(process: int) -> int:
    """Return when a process was started, in ticks of the system; see proc_pid_stat(5)."""
    with suppress(OSError):
        return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[19])
    return 0
