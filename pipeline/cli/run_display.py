"""What `pretag run` shows: one progress display, and a table at the end."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from pipeline.cli.run_tables import stage_table, videos_table, word_of
from pipeline.cli.terminal import console, counted
from pipeline.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import TracebackType

    from rich.progress import TaskID

    from pipeline.cli.video_run import VideoEnd
    from pipeline.cli.videos import NamedVideo
    from pipeline.outcome import Outcome


class RunDisplay:
    """Shows how far a run is, and what came out. A context manager.

    One video ends with a table of its stages, several with one table that has a row for each.
    """

    def __init__(self, videos: Sequence[NamedVideo], out: str, *, as_json: bool) -> None:
        """Prepare.

        Args:
            videos: the videos.
            out: where all results go.
            as_json: print one JSON object for each video instead of tables.
        """
        self._names = [printable(video.folder) for video in videos]
        self._out = out.rstrip("/")
        self._as_json = as_json
        self._ends: list[VideoEnd] = []
        self._tasks: dict[int, TaskID] = {}
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
        number = len(videos)
        self._all = (
            self._progress.add_task("all videos", total=number, unit=f"of {number} videos")
            if number > 1
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

    def progress(self, number: int, done: float, total: float | None) -> None:
        """Show how far a video is.

        Args:
            number: which video.
            done: seconds of it that are done.
            total: its length in seconds, if known.
        """
        if number not in self._tasks:
            name = self._names[number]
            self._tasks[number] = self._progress.add_task(name, total=None, unit="s of video")
        self._progress.update(self._tasks[number], completed=done, total=total)

    def end(self, number: int) -> None:
        """Show that a video has ended, in whatever way."""
        task = self._tasks.pop(number, None)
        if task is not None:
            self._progress.remove_task(task)
        if self._all is not None:
            self._progress.advance(self._all)

    def add(self, end: VideoEnd) -> None:
        """Tell how a video ended."""
        self._ends.append(end)
        with self._paused():
            if end.folder != end.video.folder:
                click.echo(f"pretag: {_other_folder(end, self._out)}", err=True)
            if end.outcome is None:
                click.echo(f"pretag: {printable(end.failure)}", err=True)
            else:
                self._tell(end.folder, end.outcome)

    def _tell(self, name: str, outcome: Outcome) -> None:
        if self._as_json:
            click.echo(json.dumps(outcome.summary(), ensure_ascii=False))
        elif outcome.is_rejected:
            click.echo(f"pretag: rejected: {printable(str(outcome.message))}", err=True)
        elif len(self._names) == 1:
            _print_one(outcome)
        else:
            for note in _notes(outcome):
                click.echo(f"pretag: warning: {printable(name)}: {note}", err=True)

    def finish(self) -> None:
        """Print the table of several videos."""
        self._progress.stop()
        if len(self._names) == 1 or self._as_json:
            return
        console().print(videos_table(self._ends))
        ends = [word_of(end.outcome) for end in self._ends]
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
        click.echo(f"{counted(len(self._names), 'video')}: {', '.join(counts)}.")
        click.echo(f"Datasets: {printable(self._out)}/<video>/<run>")

    @contextmanager
    def _paused(self) -> Iterator[None]:
        """Take the progress away in the block, so that text does not mix with it."""
        self._progress.stop()
        try:
            yield
        finally:
            if len(self._ends) < len(self._names):
                self._progress.start()


def _print_one(outcome: Outcome) -> None:
    if outcome.status == "repeated":
        click.echo(f"{printable(outcome.video)} was done before, so it is skipped.")
    else:
        console().print(stage_table(outcome.log))
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


def _other_folder(end: VideoEnd, out: str) -> str:
    return printable(
        f"{out}/{end.video.folder} has results of another video, so those of {end.video.place} go "
        f"to {out}/{end.folder}."
    )


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
