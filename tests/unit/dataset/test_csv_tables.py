"""frames.csv and logs.csv."""

import csv
import io
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.coverage import Coverage, MissingRange
from pipeline.dataset.csv_tables import frames_csv, logs_csv
from pipeline.dataset.dataset import Dataset
from pipeline.dataset.frame_table import FrameTable
from pipeline.runlog import RunLog, StageLog
from pipeline.text import printable


def test_frames_csv_has_a_row_for_each_kept_and_each_dropped_frame(two_frames: Dataset) -> None:
    kept, dropped = csv.DictReader(io.StringIO(frames_csv(two_frames).decode()))
    assert kept == {
        "frame_index": "0", "pts_ms": "0.0", "segment": "0", "status": "kept",
        "reason": "", "duplicate_of": "", "distance": "", "hash": "aa",
    }  # fmt: skip
    assert dropped == {
        "frame_index": "10", "pts_ms": "1001.001", "segment": "0", "status": "dropped",
        "reason": "duplicate", "duplicate_of": "0", "distance": "2", "hash": "ab",
    }  # fmt: skip


def test_logs_csv_has_a_row_for_each_stage_and_the_total() -> None:
    missing_ranges = (MissingRange(40, 120, 2), MissingRange(5000, 5040, 1))
    log = RunLog(total_seconds=1.5, coverage=Coverage(297, 0, 3, 0.12, missing_ranges, 7.5))
    log.stages["decode"] = StageLog("decode", items_in=300, items_out=30, failed=2, seconds=0.5)
    rows = list(csv.DictReader(io.StringIO(logs_csv(log).decode())))
    assert [row["stage"] for row in rows] == [
        "fetch", "decode", "dedupe", "detect", "encode", "write", "total",
    ]  # fmt: skip
    assert rows[1] == {
        "stage": "decode", "items_in": "300", "unit_in": "frames decoded", "items_out": "30",
        "unit_out": "frames sampled", "failed": "2", "seconds": "0.500",
        "items_per_second": "600.0", "coverage": "0.990000", "seconds_lost": "0.120",
        "lost_at_seconds": "0.040-0.120 5.000-5.040", "seconds_short": "7.500",
    }  # fmt: skip
    assert rows[-1]["seconds"] == "1.500"


@given(st.text("=+-@\t\r\n\"',;a1. ", max_size=8))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_starts_a_formula_and_none_is_lost(two_frames: Dataset, text: str) -> None:
    frame = replace(next(two_frames.frames.kept()), hash=text)
    table = frames_csv(replace(two_frames, frames=FrameTable.of([frame]))).decode()
    ((*_, cell),) = list(csv.reader(io.StringIO(table, newline="")))[1:]
    assert cell.removeprefix("'") == printable(text).removeprefix("'")
    is_number = text.removeprefix("-").replace(".", "", 1).isdecimal()
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) or is_number


@pytest.mark.parametrize("number", ["-1", "-0.5", "12"])
def test_numbers_stay_numbers(two_frames: Dataset, number: str) -> None:
    frame = replace(next(two_frames.frames.kept()), hash=number)
    table = frames_csv(replace(two_frames, frames=FrameTable.of([frame]))).decode()
    assert table.endswith(f",{number}\n")
