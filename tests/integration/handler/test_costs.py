"""A run has one estimated cost, wherever it is shown, by the documented formula."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import pytest

from tests.support import emf
from tests.support.clips import SAMPLE
from tests.support.lambda_function import Context, notify, put_video, visible_files
from tests.support.log_lines import log_lines

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def test_log_metrics_and_all_files_show_the_same_cost(
    s3: S3Client, log: io.StringIO, capfd: pytest.CaptureFixture[str]
) -> None:
    (video,) = notify(put_video(s3))["videos"]
    files = {key.rpartition("/")[2]: data.decode() for key, data in visible_files(s3).items()
             if not key.endswith(".jpg")}  # fmt: skip
    (ended,) = [line for line in log_lines(log.getvalue()) if line["message"] == "Video processed"]
    (metrics,) = [each for each in emf.blobs(capfd.readouterr().out) if "TotalSeconds" in each]
    (row,) = [each for each in csv.reader(io.StringIO(files["logs.csv"])) if each[0] == "cost"]
    manifest = json.loads(files["manifest.json"])
    dollars = manifest["figures"]["dollars"]
    assert (row[1], row[2]) == (f"{dollars:.6f}", "dollars")
    assert video["dollars"] == ended["outcome"]["dollars"] == metrics["dollars"] == dollars
    assert f"About ${dollars:.6f} with" in files["report.md"]
    assert f'<td class="n">${dollars:.6f}</td>' in files["report.html"]

    kept = video["counts"]["frames_kept"]
    assert dollars == pytest.approx(
        manifest["figures"]["seconds"] * Context.memory_limit_in_mb / 1024 * 0.0000166667
        + (2 * kept + 23) * 0.000005
        + (SAMPLE.stat().st_size / 4 / 2**20 + 12) * 0.0000004
        + 0.0000002
        + 0.000001,
        abs=1e-6,
    )


def test_a_repeated_event_and_a_rejection_have_no_cost(s3: S3Client) -> None:
    record = put_video(s3)
    notify(record)
    (repeated,) = notify(record)["videos"]
    (rejected,) = notify(put_video(s3, "incoming/b.mp4", b"no video"))["videos"]
    assert (repeated["status"], rejected["status"]) == ("repeated", "rejected")
    assert "dollars" not in repeated
    assert "dollars" not in rejected
