"""The tables that `pretag run` ends with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from pipeline.runlog import STAGE_UNITS
from pipeline.text import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.cli.video_run import VideoEnd
    from pipeline.outcome import Outcome
    from pipeline.runlog import RunLog


def word_of(outcome: Outcome | None) -> str:
    """Return how a video ended, in one word."""
    if outcome is None:
        return "failed"
    if outcome.is_rejected:
        return "rejected"
    return "skipped" if outcome.status == "repeated" else "done"


def videos_table(ends: Sequence[VideoEnd]) -> Table:
    """Return a table with a row for each video and one for the total."""
    table = Table()
    table.add_column("video", overflow="fold")
    table.add_column("status")
    for name in ("sampled", "kept", "objects", "seconds"):
        table.add_column(name, justify="right")
    table.add_column("run", no_wrap=True)  # never cut, so that it can be copied
    keys = ("frames_sampled", "frames_kept", "detections")
    totals, seconds = dict.fromkeys(keys, 0), 0.0
    for end in ends:
        outcome = end.outcome
        if outcome is None:
            table.add_row(printable(end.folder), "failed", *"----", "-")
            continue
        counts = outcome.log.counts()
        is_done = outcome.status == "done"
        for key in keys:
            totals[key] += counts[key]
        seconds += outcome.log.total_seconds
        table.add_row(
            printable(end.folder),
            outcome.reason or word_of(outcome),
            *(str(counts[key]) if is_done else "-" for key in keys),
            f"{outcome.log.total_seconds:.1f}",
            printable(outcome.result.rpartition("/")[2]),
        )
    table.add_section()
    table.add_row("total", "", *(str(totals[key]) for key in keys), f"{seconds:.1f}", "")
    return table


def stage_table(log: RunLog) -> Table:
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
