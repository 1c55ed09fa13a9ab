"""Several events and attempts for one video: which result is visible, and which is the latest."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from handler import app
from pipeline.errors import RetryableError
from pipeline.storage.s3.bucket import Bucket
from pipeline.storage.s3.result_store import S3ResultStore
from tests.support import clips
from tests.support.lambda_function import (
    KEY,
    RESULTS,
    VIDEOS,
    Context,
    create_bucket,
    invoke,
    notify,
    put_video,
    result_files,
    visible_files,
)
from tests.support.visible_results import check_visible, run_folders

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LATEST = f"datasets/{KEY}/latest.json"
DIRECT = {"video": f"s3://{VIDEOS}/{KEY}"}


@pytest.fixture
def versioned(s3: S3Client) -> S3Client:
    s3.put_bucket_versioning(Bucket=VIDEOS, VersioningConfiguration={"Status": "Enabled"})
    return s3


def put_version(s3: S3Client, data: bytes) -> dict[str, Any]:
    record = put_video(s3, data=data)
    version = s3.head_object(Bucket=VIDEOS, Key=KEY)["VersionId"]
    record["s3"]["object"]["versionId"] = version
    return record


def latest_run(s3: S3Client) -> str:
    run_id: str = json.loads(visible_files(s3)[LATEST])["run_id"]
    return run_id


def test_the_event_of_an_earlier_version_does_not_move_latest_json(versioned: S3Client) -> None:
    first = put_version(versioned, b"\0" + clips.SAMPLE.read_bytes())
    second = put_version(versioned, clips.SAMPLE.read_bytes())
    (video,) = notify(second)["videos"]
    notify(first)
    assert video["result"].endswith(latest_run(versioned))


def test_a_direct_event_does_not_move_latest_json(s3: S3Client) -> None:
    notify(put_video(s3))
    latest = visible_files(s3)[LATEST]
    (other,) = invoke({**DIRECT, "config": {"sampling": {"every_seconds": 7}}})["videos"]
    assert other["status"] == "done"
    assert visible_files(s3)[LATEST] == latest


def test_the_same_key_in_another_bucket_does_not_move_latest_json(
    s3: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INPUT_BUCKETS", f"{VIDEOS},other-videos")
    notify(put_video(s3))
    latest = visible_files(s3)[LATEST]
    create_bucket(s3, "other-videos")
    s3.put_object(Bucket="other-videos", Key=KEY, Body=clips.SAMPLE.read_bytes())
    record = put_video(s3)
    record["s3"]["bucket"]["name"] = "other-videos"
    (other,) = notify(record)["videos"]
    assert other["status"] == "done"
    assert visible_files(s3)[LATEST] == latest


def test_a_version_that_is_null_is_identified_by_its_etag(s3: S3Client) -> None:
    runs = set()
    for data in (clips.SAMPLE.read_bytes(), clips.SAMPLE.read_bytes() + b"\0"):
        record = put_video(s3, data=data)
        record["s3"]["object"]["versionId"] = "null"
        (video,) = notify(record)["videos"]
        runs.add(video["result"])
    assert len(runs) == 2


def test_the_first_log_lines_name_the_video_and_the_run(
    s3: S3Client, caplog: pytest.LogCaptureFixture
) -> None:
    record = put_video(s3)
    (video,) = notify(record)["videos"]
    received, started = [
        entry.__dict__
        for entry in caplog.records
        if entry.message in ("Video received", "Run started")
    ]
    assert received["video"] == f"s3://{VIDEOS}/{KEY}"
    assert received["sequencer"] == record["s3"]["object"]["sequencer"]
    assert video["result"].endswith(started["run_id"])
    assert started["bytes"] == clips.SAMPLE.stat().st_size
    assert started["source"]["etag"] == record["s3"]["object"]["eTag"]


def die_while_working(monkeypatch: pytest.MonkeyPatch, record: dict[str, Any]) -> None:
    """Leave a registration behind, as a process does that is killed."""
    with monkeypatch.context() as patch:
        patch.setattr(S3ResultStore, "abandon", lambda _store: None)
        patch.setattr(S3ResultStore, "put", fail)
        with pytest.raises(RetryableError):
            notify(record)


def fail(*_arguments: object) -> None:
    raise RetryableError("killed")


def test_a_video_that_kills_the_function_twice_is_rejected_until_the_function_is_larger(
    s3: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = put_video(s3)
    now = 1_000_000.0
    monkeypatch.setattr("time.time", lambda: now)
    for _ in range(2):
        die_while_working(monkeypatch, record)
        now += 100
    (video,) = notify(record)["videos"]
    assert (video["status"], video["reason"]) == ("rejected", "crashed")
    (path,) = visible_files(s3)
    rejection = json.loads(visible_files(s3)[path])
    assert rejection["capacity"] == {"memory_megabytes": 1024, "timeout_seconds": 900}
    assert notify(record)["videos"][0]["status"] == "repeated"

    larger = Context(memory_limit_in_mb=2048)
    response = app.lambda_handler({"Records": [record]}, larger)
    assert response["videos"][0]["status"] == "done"
    files = visible_files(s3)
    check_visible(files)
    assert path not in files
    assert len(run_folders(files)) == 1
    assert video["result"].endswith(latest_run(s3))


def test_an_error_before_the_decision_leaves_nothing(
    s3: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(S3ResultStore, "put", fail)
    with pytest.raises(RetryableError):
        notify(put_video(s3))
    assert result_files(s3) == {}


def test_an_error_after_the_decision_is_made_good_by_the_next_event(
    s3: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = put_video(s3)
    with monkeypatch.context() as patch:
        patch.setattr(Bucket, "copy", fail)
        with pytest.raises(RetryableError):
            notify(record)
    assert run_folders(visible_files(s3)) == set()
    (video,) = notify(record)["videos"]
    assert video["result"].endswith(latest_run(s3))
    check_visible(visible_files(s3))


def test_a_deleted_result_is_computed_again(s3: S3Client) -> None:
    record = put_video(s3)
    (first,) = notify(record)["videos"]
    for key in visible_files(s3):
        s3.delete_object(Bucket=RESULTS, Key=key)
    (second,) = notify(record)["videos"]
    assert (second["status"], second["result"]) == ("done", first["result"])
    check_visible(visible_files(s3))


def test_results_below_the_work_prefix_are_refused(s3: S3Client) -> None:
    put_video(s3)
    with pytest.raises(Exception, match="is below pretag-work/"):
        invoke({**DIRECT, "output": f"s3://{RESULTS}/pretag-work/trial"})


def test_a_notification_is_sent_once_for_a_result(
    s3: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Any] = []
    monkeypatch.setenv("EVENT_BUS", "results")
    monkeypatch.setattr(
        "handler.notification.send_notification",
        lambda bus, notification: sent.append((bus, notification)),
    )
    record = put_video(s3)
    (video,) = notify(record)["videos"]
    notify(record)
    ((bus, notification),) = sent
    assert bus == "results"
    assert replace(notification, counts={}, run_id="") == replace(
        notification, counts={}, run_id="", bucket=VIDEOS, key=KEY, result=video["result"],
        ending="done", reason=None,
    )  # fmt: skip
    assert notification.counts["frames_kept"] == video["counts"]["frames_kept"]
