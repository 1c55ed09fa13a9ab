"""Measure the command `pretag`: how soon it shows its help, and several videos side by side."""

from __future__ import annotations

import sys

from bench import clips, results
from bench.measuring import process_rounds
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
    rounds = process_rounds(commands, STARTS)
    rows = [
        (name, f"{1000 * rounds.seconds(name):.0f}", f"{1000 * rounds.cpu_seconds(name):.0f}")
        for name in commands
    ]
    bare, shown = map(rounds.cpu_seconds, commands)
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
    rounds = process_rounds(commands, ROUNDS)
    alone = next(iter(commands))
    rows = [
        (
            name,
            f"{rounds.seconds(name):.1f}",
            f"{rounds.ratio(name, alone):.2f}",
            f"{rounds.cpu_seconds(name):.1f}",
        )
        for name in commands
    ]
    return (
        "\n"
        + results.paragraph(
            f"`pretag run` with {VIDEOS} videos of {clips.SAMPLE_SECONDS} seconds of 720p at 25 "
            f"frames per second, medians of {ROUNDS} rounds. Each process loads the model."
        )
        + results.table(("processes", "seconds", "ratio", "CPU seconds"), rows)
    )


if __name__ == "__main__":
    main()
