"""What things cost: wall-clock and CPU seconds, and a process's memory at its peak."""  # noqa: INP001 - used by bench.pipeline

from __future__ import annotations

import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from statistics import median
from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

T = TypeVar("T")
# The first time fills caches and finishes imports. It is not counted.
HEATING = 1


class Cost(NamedTuple):
    """Seconds of wall clock, and of all CPUs."""

    seconds: float
    cpu_seconds: float


Costs = dict[str, Cost]
"""What was done, by name, and what it cost."""


def added(costs: Iterable[Cost]) -> Cost:
    """Return the cost of one thing after another."""
    return Cost(*map(sum, zip(*costs, strict=True)))


class Rounds(list[Costs]):
    """The costs of all contenders, round by round."""

    def seconds(self, name: str) -> float:
        """Return the median."""
        return median(each[name].seconds for each in self)

    def ratio(self, one: str, other: str) -> float:
        """Return the median ratio of two that were neighbours, and had the same neighbours."""
        return median(each[one].seconds / each[other].seconds for each in self)


def rounds(contenders: Iterable[Callable[[Path], Costs]], clip: Path, count: int) -> Rounds:
    """Let contenders take turns, each in a process of its own."""
    with ExitStack() as stack:
        turns = [(stack.enter_context(_own_process()), contender) for contender in contenders]
        measured = Rounds()
        for _ in range(HEATING + count):
            costs: Costs = {}
            for process, contender in turns:
                costs.update(process.submit(contender, clip).result())
            measured.append(costs)
    return Rounds(measured[HEATING:])


def in_child(work: Callable[..., T], *arguments: object) -> T:
    """Call a function in a process of its own.

    Linux hands a process's peak memory down to its children, so whoever asks for theirs must do
    nothing large itself.
    """
    with _own_process() as process:
        return process.submit(work, *arguments).result()


def timed(work: Callable[[], T]) -> tuple[T, Cost]:
    """Return what the work returns, and what it cost."""
    began, began_cpu = time.perf_counter(), _cpu_seconds()
    result = work()
    return result, Cost(time.perf_counter() - began, _cpu_seconds() - began_cpu)


def peak_megabytes() -> float:
    """Return this process's largest memory so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Bytes on macOS, KiB elsewhere: https://docs.python.org/3/library/resource.html
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


def say(what: str) -> None:
    """Tell whoever waits what is going on."""
    sys.stderr.write(f"bench: {what}\n")


def _own_process() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, get_context("spawn"))


def _cpu_seconds() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)
