"""The stage table, for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from pipeline.runlog import STAGE_UNITS

if TYPE_CHECKING:
    from pipeline.runlog import RunLog


def stage_table(log: RunLog) -> Table:
    """Return a row a stage and the total, from the run log."""
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
