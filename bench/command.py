"""Measure the command `pretag`: how soon it shows its help, and several videos side by side."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from statistics import median
from tempfile import TemporaryDirectory

from bench import clips, results
from bench.measuring import Cost, show_progress
from pipeline.concurrency.cpus import available_cpus

STARTS = 20
VIDEOS, ROUNDS = 6, 3
_PRETAG = (sys.executable, "-m", "pipeline")
_LARGEST_HELP_RATIO = 3.0


def main() -> None:
    """Print the section, and write it with `--write`."""
    results.run(measure, "Measure the command pretag.")


def measure() -> str:
    """Measure, and return the section."""
    return (
        f"## The command\n\n{results.date_and_processor()}, {available_cpus()} CPUs.\n\n"
        + help_section()
        + side_by_side_section()
    )


def help_section() -> str:
    """Return the tables of starts."""
    commands = {
        "an interpreter that does nothing": (sys.executable, "-c", "pass"),
        "`pretag --help`": (*_PRETAG, "--help"),
    }
    costs = _rounds(commands, STARTS)
    rows = [
        (
            name,
            f"{1000 * median(cost.seconds for cost in each):.0f}",
            f"{1000 * median(cost.cpu_seconds for cost in each):.0f}",
        )
        for name, each in costs.items()
    ]
    bare, shown = (median(cost.cpu_seconds for cost in each) for each in costs.values())
    target = results.Target("help / interpreter, CPU time", shown / bare, _LARGEST_HELP_RATIO)
    return (
        f"Starts, medians of {STARTS} in turn:\n\n"
        + results.table(("start", "ms", "CPU ms"), rows)
        + "\n"
        + results.table(("ratio", "measured", "target", ""), [target.row])
    )


def side_by_side_section() -> str:
    """Return the table of `pretag run --jobs`."""
    videos = [str(video) for video in clips.views(VIDEOS)]
    commands = {
        f"`--jobs {jobs}`": (*_PRETAG, "run", *videos, "--jobs", str(jobs), "--out", ".")
        for jobs in (1, 2, 3)
    }
    costs = _rounds(commands, ROUNDS)
    alone = next(iter(costs.values()))
    rows = [
        (
            name,
            f"{median(cost.seconds for cost in each):.1f}",
            f"{median(a.seconds / b.seconds for a, b in zip(each, alone, strict=True)):.2f}",
            f"{median(cost.cpu_seconds for cost in each):.1f}",
        )
        for name, each in costs.items()
    ]
    return (
        "\n"
        + results.paragraph(
            f"`pretag run` with {VIDEOS} videos of {clips.SAMPLE_SECONDS} seconds of 720p at 25 "
            f"frames per second, medians of {ROUNDS} rounds. Each process loads the model."
        )
        + results.table(("processes", "seconds", "ratio", "CPU seconds"), rows)
    )


def _rounds(commands: dict[str, tuple[str, ...]], count: int) -> dict[str, list[Cost]]:
    """Run commands in turn, each in a new folder, and return the costs of each.

    The first round fills caches. It is not counted.
    """
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    for number in range(count + 1):
        for name, command in commands.items():
            show_progress(f"{name}, round {number}")
            with TemporaryDirectory() as folder:
                cost = _cost(command, folder)
            if number:
                costs[name].append(cost)
    return costs


def _cost(command: tuple[str, ...], folder: str) -> Cost:
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(  # noqa: S603 - the commands above
        command, check=True, stdout=subprocess.DEVNULL, cwd=folder
    )
    seconds, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


if __name__ == "__main__":
    main()
