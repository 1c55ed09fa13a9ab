"""The log: every line is a documented JSON object, and one id leads from upload to manifest."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
from typing import TYPE_CHECKING, Any

import pytest

from handler.correlation import current_correlation
from handler.jobs import Job
from pipeline.decoding import opening
from pipeline.decoding.process.launching import Child
from pipeline.errors import BrokenError
from tests.e2e.template import ROOT
from tests.support import emf
from tests.support.lambda_function import (
    KEY,
    VIDEOS,
    invoke,
    notify,
    put_video,
    visible_files,
)
from tests.support.log_lines import check_documented, documented, log_lines

if TYPE_CHECKING:
    import io

    from mypy_boto3_s3 import S3Client

    from pipeline.decoding.backend import BackendName


def ending_of(s3: S3Client, name: str) -> dict[str, Any]:
    (data,) = [data for key, data in visible_files(s3).items() if key.endswith(f"/{name}")]
    content: dict[str, Any] = json.loads(data)
    return content


def upload_id(record: dict[str, Any]) -> str:
    facts = record["s3"]["object"]
    upload = Job(VIDEOS, KEY, None, facts["eTag"], facts["sequencer"]).upload
    assert upload is not None
    return upload.id


def test_an_id_leads_from_the_upload_to_its_manifest(
    s3: S3Client, log: io.StringIO, capfd: pytest.CaptureFixture[str]
) -> None:
    record = put_video(s3)
    notify(record)
    notify(record)  # the same event again is the same upload
    lines = log_lines(log.getvalue())
    check_documented(lines)
    assert {line["message"] for line in lines} >= {"Video received", "Run started"}
    assert [line["message"] for line in lines].count("Video processed") == 2
    expected = upload_id(record)
    assert {line.get("correlation_id") for line in lines} == {expected}
    assert ending_of(s3, "manifest.json")["correlation_id"] == expected
    metrics = emf.blobs(capfd.readouterr().out)
    assert {"VideosProcessed", "DetectionsByClass"} <= {name for blob in metrics for name in blob}
    assert {blob.get("correlation_id") for blob in metrics} == {expected}
    assert current_correlation() != expected


def test_a_rejection_and_a_failure_have_the_id_and_the_next_video_has_its_own(
    s3: S3Client, log: io.StringIO
) -> None:
    rejected, other = put_video(s3, data=b"no video"), put_video(s3, "incoming/b.mp4")
    other["s3"]["bucket"]["name"] = "elsewhere"
    with pytest.raises(BrokenError, match="Events may name videos in"):
        notify(rejected, other)
    lines = log_lines(log.getvalue())
    check_documented(lines)
    (failed,) = [line for line in lines if line["message"] == "Video failed"]
    ids = {line["correlation_id"] for line in lines if line is not failed}
    assert ids == {ending_of(s3, "rejection.json")["correlation_id"]} == {upload_id(rejected)}
    assert failed["correlation_id"] not in ids


def test_a_direct_event_has_an_id_of_what_it_asks_for(s3: S3Client, log: io.StringIO) -> None:
    put_video(s3)
    found = []
    for seconds in (15, 15, 20):
        invoke(
            {"video": f"s3://{VIDEOS}/{KEY}", "config": {"sampling": {"every_seconds": seconds}}}
        )
        lines = log_lines(log.getvalue())
        found.append({line["correlation_id"] for line in lines})
        log.truncate(0)
        log.seek(0)
    assert found[0] == found[1] != found[2]
    assert [len(ids) for ids in found] == [1, 1, 1]


def test_lines_of_the_pipeline_are_json_too(log: io.StringIO) -> None:
    logging.getLogger("pipeline.run").info("Video has several tracks", extra={"track": 2})
    logging.getLogger("pipeline.storage").warning("%s is tried again", "s3://a/b")
    first, second = log_lines(log.getvalue())
    assert (first["message"], first["track"]) == ("Video has several tracks", 2)
    assert (second["level"], second["message"]) == ("WARNING", "s3://a/b is tried again")


def test_a_decoder_that_crashes_is_a_line_of_the_table(
    s3: S3Client, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crashed_child(backend: BackendName) -> Child:
        child = Child(backend)
        os.kill(child.process_id, signal.SIGSEGV)
        return child

    monkeypatch.setattr(opening, "take_child", crashed_child)
    (video,) = notify(put_video(s3))["videos"]
    assert video["reason"] == "decoder_crashed"
    lines = log_lines(log.getvalue())
    check_documented(lines)
    (line,) = [each for each in lines if each["message"] == "The process of the decoder ended"]
    assert line["exit_code"] == -signal.SIGSEGV


def test_the_table_has_all_events_of_the_code_and_no_other() -> None:
    # Warnings of the pipeline are sentences for a person, and `pretag run` alone divides locally.
    of_handler = r'logger\.(?:info|warning|exception)\(\s*"([^"]+)"'
    of_pipeline = r'logger\.info\(\s*"([^"]+)"'
    handler, pipeline = (
        {
            name
            for file in (ROOT / folder).rglob("*.py")
            if file.name != "run_in_shards.py"
            for name in re.findall(calls, file.read_text())
        }
        for folder, calls in (("handler", of_handler), ("pipeline", of_pipeline))
    )
    assert handler | pipeline == documented().keys()
