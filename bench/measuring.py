"""Measure wall-clock seconds, CPU seconds, and the peak memory of a process."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from pipeline.runlog import RunLog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

T = TypeVar("T")
# The first round fills caches and completes imports. It is not counted.
_WARM_UP_ROUNDS = 1


class Cost(NamedTuple):
    """Seconds of wall clock, and CPU seconds of all threads and child processes."""

    seconds: float
    cpu_seconds: float


Costs = dict[str, Cost]
"""The cost of each measured piece of work, by name."""


def total(costs: Iterable[Cost]) -> Cost:
    """Return the sum of costs, as of pieces of work one after another."""
    return Cost(*map(sum, zip(*costs, strict=True)))


class Rounds(list[Costs]):
    """The costs of all pieces of work, round by round."""

    def seconds(self, name: str) -> float:
        """Return the median seconds of a piece of work."""
        return median(costs[name].seconds for costs in self)

    def cpu_seconds(self, name: str) -> float:
        """Return the median CPU seconds of a piece of work."""
        return median(costs[name].cpu_seconds for costs in self)

    def ratio(self, name: str, other: str) -> float:
        """Return the median over rounds of the ratio of the seconds of two pieces of work."""
        return median(costs[name].seconds / costs[other].seconds for costs in self)


def measure_rounds(
    measurements: Iterable[Callable[[Path], Costs]], clip: Path, count: int
) -> Rounds:
    """Run all measurements of a clip in turn, `count` times, each in its own process."""
    with ExitStack() as stack:
        turns = [(stack.enter_context(_new_process()), measure) for measure in measurements]
        rounds = Rounds()
        for _ in range(_WARM_UP_ROUNDS + count):
            costs: Costs = {}
            for process, measure in turns:
                costs.update(process.submit(measure, clip).result())
            rounds.append(costs)
    return Rounds(rounds[_WARM_UP_ROUNDS:])


def thread_seconds(
    functions: Mapping[str, Callable[[], object]], rounds: int
) -> dict[str, list[float]]:
    """Call functions in turn, and return the CPU seconds of each in each round."""
    seconds: defaultdict[str, list[float]] = defaultdict(list)
    for number in range(_WARM_UP_ROUNDS + rounds):
        for name, function in functions.items():
            started = time.thread_time()
            function()
            if number >= _WARM_UP_ROUNDS:
                seconds[name].append(time.thread_time() - started)
    return dict(seconds)


def in_child(function: Callable[..., T], *arguments: object) -> T:
    """Call a function in a new process, and return its result.

    On Linux a child process starts with the peak memory of its parent. So a process that measures
    the memory of its children must not use much memory itself.
    """
    with _new_process() as process:
        return process.submit(function, *arguments).result()


def timed(function: Callable[[], T]) -> tuple[T, Cost]:
    """Call a function, and return its result and its cost."""
    started, started_cpu = time.perf_counter(), _cpu_seconds()
    result = function()
    return result, Cost(time.perf_counter() - started, _cpu_seconds() - started_cpu)


def process_rounds(commands: Mapping[str, tuple[str, ...]], count: int) -> Rounds:
    """Run commands in turn, `count` times, each in a new folder, and return their costs.

    They are measured from outside: with the start of the interpreter, and with all imports.
    """
    rounds = Rounds()
    for number in range(_WARM_UP_ROUNDS + count):
        show_progress(f"{', '.join(commands)}: round {number}")
        rounds.append({name: _process_cost(command) for name, command in commands.items()})
    return Rounds(rounds[_WARM_UP_ROUNDS:])


def _process_cost(command: tuple[str, ...]) -> Cost:
    def run_it() -> None:
        subprocess.run(  # noqa: S603 - commands of the benchmarks
            command, check=True, stdout=subprocess.DEVNULL, cwd=folder
        )

    with TemporaryDirectory() as folder:
        return timed(run_it)[1]


def peak_megabytes() -> float:
    """Return the peak memory of this process so far."""
    return RunLog().finished().peak_memory_megabytes


def busy_share(seconds: float = 2.0) -> float:
    """Return the share of the CPUs of this machine, 0 to 1, that is in use now (Linux).

    Args:
        seconds: for how long to look.
    """
    before = _cpu_times()
    time.sleep(seconds)
    total, idle = (after - first for after, first in zip(_cpu_times(), before, strict=True))
    return 1 - idle / total if total else 0.0


def _cpu_times() -> tuple[int, int]:
    """Return clock ticks of all CPUs since the start, and those of them that were idle."""
    ticks = [int(each) for each in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return sum(ticks), ticks[3] + ticks[4]


def show_progress(text: str) -> None:
    """Print to standard error what is measured next."""
    sys.stderr.write(f"bench: {text}\n")


def _new_process() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, get_context("spawn"))


def _cpu_seconds() -> float:
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)
