"""What `pretag run` shows: one progress display, and a table at the end."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from pipeline.cli.terminal import console, counted
from pipeline.runlog import STAGE_UNITS
from pipeline.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from pipeline.outcome import Outcome
    from pipeline.run import Progress as OnProgress
    from pipeline.runlog import RunLog


class RunDisplay:
    """Shows how far a run is, and what came out. A context manager.

    One video ends with a table of its stages, several with one table that has a row for each.
    """

    def __init__(self, videos: int, out: str, *, as_json: bool) -> None:
        """Prepare.

        Args:
            videos: number of videos.
            out: where all results go.
            as_json: print one JSON object for each video instead of tables.
        """
        self._videos = videos
        self._out = out.rstrip("/")
        self._as_json = as_json
        self._outcomes: list[tuple[str, Outcome | None]] = []
        # The length of a video is from its header, which may be wrong. So the bar also shows the
        # seconds of video that are done.
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.completed:.0f} {task.fields[unit]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
            disable=not sys.stderr.isatty(),
        )
        self._all = (
            self._progress.add_task("all videos", total=videos, unit=f"of {videos} videos")
            if videos > 1
            else None
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._progress.stop()

    @contextmanager
    def video(self, name: str) -> Iterator[OnProgress]:
        """Show the progress of one video in the block."""
        task = self._progress.add_task(printable(name), total=None, unit="s of video")
        try:
            yield lambda done, total: self._progress.update(task, completed=done, total=total)
        finally:
            self._progress.remove_task(task)
            if self._all is not None:
                self._progress.advance(self._all)

    def add_failure(self, name: str, message: str) -> None:
        """Tell that a video could not be processed, and why."""
        self._outcomes.append((name, None))
        with self._paused():
            click.echo(f"pretag: {printable(message)}", err=True)

    def add(self, name: str, outcome: Outcome) -> None:
        """Tell how a video ended."""
        self._outcomes.append((name, outcome))
        with self._paused():
            if self._as_json:
                click.echo(json.dumps(outcome.summary(), ensure_ascii=False))
            elif outcome.is_rejected:
                click.echo(f"pretag: rejected: {printable(str(outcome.message))}", err=True)
            elif self._videos == 1:
                _print_one(outcome)
            else:
                of = f"{printable(name)}: "
                for note in _notes(outcome):
                    click.echo(f"pretag: warning: {of}{note}", err=True)

    def finish(self) -> None:
        """Print the table of several videos."""
        self._progress.stop()
        if self._videos == 1 or self._as_json:
            return
        console().print(_videos_table(self._outcomes))
        ends = [_end_of(outcome) for _, outcome in self._outcomes]
        counts = [
            f"{ends.count(status)} {word}"
            for status, word in (
                ("done", "done"),
                ("skipped", "done before, so skipped"),
                ("rejected", "rejected"),
                ("failed", "failed"),
            )
            if status in ends
        ]
        click.echo(f"{counted(self._videos, 'video')}: {', '.join(counts)}.")
        click.echo(f"Datasets: {printable(self._out)}/<video>/<run>")

    @contextmanager
    def _paused(self) -> Iterator[None]:
        """Take the progress away in the block, so that text does not mix with it."""
        self._progress.stop()
        try:
            yield
        finally:
            if len(self._outcomes) < self._videos:
                self._progress.start()


def _end_of(outcome: Outcome | None) -> str:
    if outcome is None:
        return "failed"
    if outcome.is_rejected:
        return "rejected"
    return "skipped" if outcome.status == "repeated" else "done"


def _print_one(outcome: Outcome) -> None:
    if outcome.status == "repeated":
        click.echo(f"{printable(outcome.video)} was done before, so it is skipped.")
    else:
        console().print(_stage_table(outcome.log))
        counts = outcome.log.counts()
        click.echo(
            f"{printable(outcome.video)}: {counts['frames_sampled']} frames sampled, "
            f"{counts['frames_kept']} kept, {counts['detections']} objects detected."
        )
        coverage = outcome.log.coverage
        if coverage.lost:
            click.echo(_lost(outcome))
    for warning in outcome.log.warnings:
        click.echo(f"pretag: warning: {printable(warning)}", err=True)
    click.echo(f"Dataset: {printable(str(outcome.result))}")


def _notes(outcome: Outcome) -> Iterator[str]:
    """Yield what is to be said of one of several videos."""
    if outcome.log.coverage.lost:
        yield _lost(outcome)
    yield from map(printable, outcome.log.warnings)


def _lost(outcome: Outcome) -> str:
    coverage = outcome.log.coverage
    return (
        f"{coverage.lost} frames ({coverage.seconds_lost:.1f} s) are missing. "
        "report.md lists the gaps."
    )


def _videos_table(outcomes: list[tuple[str, Outcome | None]]) -> Table:
    """Return a table with a row for each video and one for the total."""
    table = Table()
    table.add_column("video", overflow="fold")
    table.add_column("status")
    for name in ("sampled", "kept", "objects", "seconds"):
        table.add_column(name, justify="right")
    table.add_column("run", no_wrap=True)  # never cut, so that it can be copied
    keys = ("frames_sampled", "frames_kept", "detections")
    totals, seconds = dict.fromkeys(keys, 0), 0.0
    for name, outcome in outcomes:
        if outcome is None:
            table.add_row(printable(name), "failed", *"----", "-")
            continue
        counts = outcome.log.counts()
        is_done = outcome.status == "done"
        for key in keys:
            totals[key] += counts[key]
        seconds += outcome.log.total_seconds
        table.add_row(
            printable(name),
            outcome.reason or _end_of(outcome),
            *(str(counts[key]) if is_done else "-" for key in keys),
            f"{outcome.log.total_seconds:.1f}",
            printable(outcome.result.rpartition("/")[2]),
        )
    table.add_section()
    table.add_row("total", "", *(str(totals[key]) for key in keys), f"{seconds:.1f}", "")
    return table


def _stage_table(log: RunLog) -> Table:
    """Return a table with a row for each stage and one for the total."""
    table = Table()
    table.add_column("stage")
    for name in ("in", "out", "failed", "seconds", "in/s"):
        table.add_column(name, justify="right")
    for stage in log.stages.values():
        unit_in, unit_out = STAGE_UNITS[stage.name]
        table.add_row(
            stage.name,
            f"{stage.items_in} {unit_in}",
            f"{stage.items_out} {unit_out}",
            str(stage.failed),
            f"{stage.seconds:.3f}",
            f"{stage.items_per_second:.1f}",
        )
    table.add_section()
    table.add_row("total", "", "", "", f"{log.total_seconds:.3f}", "")
    return table
