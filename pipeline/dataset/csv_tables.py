"""Write the two tables of a run as CSV (RFC 4180, UTF-8, LF)."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING

from pipeline.dataset.report.figures import coverage_row, stage_rows
from pipeline.drift.drift import Drift
from pipeline.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.coverage import Coverage
    from pipeline.dataset.dataset import Dataset
    from pipeline.frame import FrameRecord
    from pipeline.runlog import RunLog

_FORMULA = ("=", "+", "-", "@")


def frames_csv(dataset: Dataset) -> bytes:
    """Return frames.csv: each sampled frame, kept, or dropped with reason, match and distance."""
    header = (
        "frame_index", "pts_ms", "segment", "status",
        "reason", "duplicate_of", "distance", "hash",
    )  # fmt: skip
    return csv_table(header, (_frame_row(frame) for frame in dataset.frames))


def logs_csv(log: RunLog) -> bytes:
    """Return logs.csv: a row for each stage, and the total."""
    header = (
        "stage", "items_in", "unit_in", "items_out", "unit_out",
        "failed", "seconds", "items_per_second", "coverage", "seconds_lost", "lost_at_seconds",
        "seconds_short",
    )  # fmt: skip
    rows: list[Sequence[object]] = [
        (
            stage.name, stage.items_in, stage.unit_in, stage.items_out, stage.unit_out,
            stage.failed, stage.seconds, stage.items_per_second,
            *(_covered(log.coverage) if stage.name == "decode" else ("", "", "", "")),
        )
        for stage in stage_rows(log)
    ]  # fmt: skip
    if log.shards is not None:
        seconds = log.shards.seconds
        for name, count, spent in (
            ("shards", len(seconds), sum(seconds)),
            ("slowest shard", log.shards.slowest, max(seconds)),
        ):
            unit = "shards" if name == "shards" else "shard number"
            rows.append((name, count, unit, "", "", "", f"{spent:.3f}", "", "", "", "", ""))
    if isinstance(log.drift, Drift):
        for name, each in (("class drift", log.drift.classes), ("score drift", log.drift.scores)):
            index, limit = f"{each.index:.4f}", f"{each.limit:.4f}"
            rows.append((name, index, "stability index", limit, "limit", *[""] * 7))
    if log.dollars is not None:
        rows.append(("cost", f"{log.dollars:.6f}", "dollars", *[""] * 9))
    rows.append(("total", "", "", "", "", "", f"{log.total_seconds:.3f}", "", "", "", "", ""))
    return csv_table(header, rows)


def _covered(coverage: Coverage) -> Sequence[object]:
    row, ranges = coverage_row(coverage), " ".join(map(str, coverage.missing_ranges))
    return row.share, row.seconds_lost, ranges, row.seconds_short


def _frame_row(frame: FrameRecord) -> Sequence[object]:
    position = (frame.index, frame.pts_ms, frame.segment)
    match = frame.duplicate
    if match is None:
        return (*position, "kept", "", "", "", frame.hash)
    return (*position, "dropped", match.reason, match.index, match.distance, frame.hash)


def csv_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """Return a table as CSV, with cells that no spreadsheet takes for formulas."""
    file = io.BytesIO()
    with io.TextIOWrapper(file, "utf-8", newline="") as text:
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([_cell(value) for value in row] for row in rows)
        text.flush()
        return file.getvalue()


def _cell(value: object) -> object:
    """Return the value of a cell. Text that a spreadsheet takes for a formula gets an apostrophe.

    Control characters are replaced: a cell with a carriage return would end the row.
    https://owasp.org/www-community/attacks/CSV_Injection. Names of videos and classes come from
    outside.
    """
    if not isinstance(value, str):
        return value
    text = printable(value)
    is_formula = text.startswith(_FORMULA) and not _is_number(text)
    return f"'{text}" if is_formula else text


def _is_number(text: str) -> bool:
    return re.fullmatch(r"-?[0-9]+([.][0-9]+)?", text) is not None
