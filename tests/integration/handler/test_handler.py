"""The Lambda handler: from events to results, rejections, skipped records and errors."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.concurrency.ordered_executor import OrderedExecutor
from pipeline.detection.model import Model
from pipeline.errors import BrokenError, ConfigError, RetryableError
from pipeline.storage.s3 import ranged_reader
from pipeline.storage.s3 import video as s3_video
from pipeline.storage.s3.bucket import Bucket
from pipeline.storage.s3.video import S3Video
from tests.support import clips, emf
from tests.support.lambda_function import (
    KEY,
    RESULTS,
    VARIABLES,
    VIDEOS,
    invoke,
    notify,
    put_video,
    result_files,
    visible_files,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from handler.notification import Notification

SERVICE = frozenset({("service", VARIABLES["POWERTOOLS_SERVICE_NAME"])})


def test_an_upload_becomes_a_complete_result(s3: S3Client) -> None:
    (video,) = notify(put_video(s3))["videos"]
    assert (video["video"], video["status"]) == (f"s3://{VIDEOS}/{KEY}", "done")
    folder = f"datasets/{KEY}"
    files = visible_files(s3)
    latest = json.loads(files[f"{folder}/latest.json"])
    run_folder = f"{folder}/{latest['run_id']}"
    assert video["result"] == f"s3://{RESULTS}/{run_folder}"
    manifest = json.loads(files[f"{folder}/{latest['manifest']}"])
    listed = {f"{run_folder}/{file['path']}": file["bytes"] for file in manifest["files"]}
    assert {key: len(files[key]) for key in listed} == listed
    assert set(files) == {*listed, f"{folder}/latest.json", f"{run_folder}/manifest.json"}
    paths = {key.removeprefix(f"{run_folder}/") for key in listed}
    assert paths > {
        "annotations/instances_default.json", "predictions.json", "frames.csv", "config.json",
        "logs.csv", "report.md", "report.html",
    }  # fmt: skip
    for report in ("report.md", "report.html"):
        assert b"Estimated cost" in files[f"{run_folder}/{report}"]
    images = [path for path in paths if path.startswith("images/default/frame_")]
    assert len(images) == video["counts"]["frames_kept"]


def test_the_manifest_is_the_last_file_to_become_visible(
    s3: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    visible: list[str] = []
    put, copy = Bucket.put, Bucket.copy

    def put_and_note(bucket: Bucket, key: str, data: bytes) -> None:
        visible.append(key)
        put(bucket, key, data)

    def copy_and_note(bucket: Bucket, source_key: str, key: str) -> bool:
        visible.append(key)
        return copy(bucket, source_key, key)

    monkeypatch.setattr(Bucket, "put", put_and_note)
    monkeypatch.setattr(Bucket, "copy", copy_and_note)
    notify(put_video(s3))
    visible = [key for key in visible if key.startswith("datasets/")]
    assert len(visible) > 5
    assert visible[-1].endswith("/manifest.json")


def test_a_finished_upload_is_repeated_without_a_write(
    s3: S3Client, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    record = put_video(s3)
    (first,) = notify(record)["videos"]
    files = result_files(s3)

    def fail(*_arguments: object) -> None:
        raise AssertionError("The repeated event wrote an object.")

    for name in ("put", "create", "replace", "copy", "delete"):
        monkeypatch.setattr(Bucket, name, fail)
    capsys.readouterr()
    (second,) = notify(record)["videos"]
    assert (second["status"], second["result"]) == ("repeated", first["result"])
    assert result_files(s3) == files
    (blob,) = emf.blobs(capsys.readouterr().out)
    assert emf.values(blob)["VideosRepeated", SERVICE] == 1


def test_bad_videos_are_rejected_and_the_others_are_processed(
    s3: S3Client, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    audio = clips.write_audio(tmp_path / "audio.mp4").read_bytes()
    clip = clips.write_clip(tmp_path / "clip.mp4", [clips.texture(1)] * 20)
    h264 = clip.read_bytes()
    av1 = clips.replace_codec(clip, b"avc1", b"av01").read_bytes()
    bad = {
        "empty.mp4": (b"", "empty"),
        "text.mp4": (b"hello", "not_a_video"),
        "audio.mp4": (audio, "no_video_stream"),
        "cut.mp4": (h264[:-900], "truncated"),
        "av1.mp4": (av1, "no_decodable_frame"),
    }
    records = [put_video(s3, key, data) for key, (data, _) in bad.items()]
    response = notify(*records, put_video(s3))
    reasons = [video["reason"] for video in response["videos"]]
    assert reasons == [*(reason for _, reason in bad.values()), None]
    files = visible_files(s3)
    for key, (_, reason) in bad.items():
        (path,) = [path for path in files if path.startswith(f"datasets/{key}/")]
        assert path.endswith("/rejection.json")
        assert json.loads(files[path])["reason"] == reason
    blobs = emf.blobs(capsys.readouterr().out)
    rejections = [blob for blob in blobs if blob.get("VideosRejected") == [1]]
    assert {(blob["video"], blob["reason"]) for blob in rejections} == {
        (f"s3://{VIDEOS}/{key}", reason) for key, (_, reason) in bad.items()
    }


def test_sampling_that_begins_after_the_end_of_a_video_is_a_rejection(s3: S3Client) -> None:
    put_video(s3)
    event = {"video": f"s3://{VIDEOS}/{KEY}", "config": {"sampling": {"start_seconds": 40}}}
    (video,) = invoke(event)["videos"]
    assert (video["status"], video["reason"]) == ("rejected", "no_sample")
    (data,) = visible_files(s3).values()
    assert json.loads(data)["message"] == video["message"]


def test_an_object_that_is_not_a_video_is_skipped_with_a_log_line(
    s3: S3Client, caplog: pytest.LogCaptureFixture
) -> None:
    removed = {**put_video(s3, "a.mp4"), "eventName": "ObjectRemoved:Delete"}
    text, folder = put_video(s3, "notes.txt", b"x"), put_video(s3, "x.mp4/", b"")
    uris = [f"s3://{VIDEOS}/{key}" for key in ("notes.txt", "a.mp4", "x.mp4/")]
    response = notify(text, removed, folder)
    assert response["videos"] == []
    assert [entry["skipped"] for entry in response["skipped"]] == uris
    logged = [
        record.__dict__["outcome"]["skipped"]
        for record in caplog.records
        if record.message == "Video processed"
    ]
    assert logged == uris
    assert result_files(s3) == {}


def test_the_test_event_of_s3_is_skipped(s3: S3Client) -> None:
    response = invoke({"Service": "Amazon S3", "Event": "s3:TestEvent"})
    assert response["skipped"][0]["skipped"] == "s3:TestEvent"
    assert result_files(s3) == {}


def test_the_model_stays_loaded_between_invocations(
    s3: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    notify(put_video(s3))

    def fail(*_arguments: object) -> Model:
        raise AssertionError("The model was loaded again.")

    monkeypatch.setattr(Model, "load", fail)
    assert notify(put_video(s3, "another.mp4"))["videos"][0]["status"] == "done"


def test_an_object_that_was_deleted_or_replaced_is_superseded(
    s3: S3Client, capsys: pytest.CaptureFixture[str]
) -> None:
    deleted = put_video(s3, "deleted.mp4")
    s3.delete_object(Bucket=VIDEOS, Key="deleted.mp4")
    replaced = put_video(s3, "replaced.mp4", b"old")
    put_video(s3, "replaced.mp4", b"new")
    response = notify(deleted, replaced)
    assert [video["status"] for video in response["videos"]] == ["superseded"] * 2
    assert visible_files(s3) == {}
    blobs = emf.blobs(capsys.readouterr().out)
    assert [emf.values(blob)["VideosSuperseded", SERVICE] for blob in blobs] == [1, 1]


def test_a_direct_event_for_a_key_that_is_not_there_is_a_rejection(
    s3: S3Client, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sent: list[Notification] = []
    monkeypatch.setenv("EVENT_BUS", "results")
    monkeypatch.setattr(
        "handler.notification.send_notification",
        lambda _bus, notification: sent.append(notification),
    )
    put_video(s3, "deleted.mp4")
    s3.delete_object(Bucket=VIDEOS, Key="deleted.mp4")
    for key in ("typo.mp4", "deleted.mp4", "no/suffix"):
        uri = f"s3://{VIDEOS}/{key}"
        (video,) = invoke({"video": uri})["videos"]
        assert (video["status"], video["reason"]) == ("rejected", "not_found")
        assert video["message"] == f"{uri} does not exist. Check the key, and send the event again."
        prefix = video["result"].removeprefix(f"s3://{RESULTS}/")
        ((path, data),) = result_files(s3, f"datasets/{key}/").items()
        assert path == f"{prefix}/rejection.json"
        rejection = json.loads(data)
        assert rejection["reason"] == "not_found"
        assert rejection["source"] == {"uri": uri, "bucket": VIDEOS, "key": key}
        assert (sent[-1].key, sent[-1].ending, sent[-1].reason) == (key, "rejected", "not_found")
        (blob,) = emf.blobs(capsys.readouterr().out)
        assert emf.values(blob)["VideosRejected", SERVICE] == 1
    assert not [key for key in result_files(s3) if "/attempts/" in key]


def test_a_direct_event_is_processed_after_the_missing_video_was_uploaded(s3: S3Client) -> None:
    event = {"video": f"s3://{VIDEOS}/{KEY}"}
    assert invoke(event)["videos"][0]["reason"] == "not_found"
    (again,) = invoke(event)["videos"]
    assert (again["status"], again["reason"]) == ("repeated", "not_found")
    put_video(s3)
    assert invoke(event)["videos"][0]["status"] == "done"


@pytest.mark.parametrize("is_replaced", [True, False])
def test_a_direct_event_whose_video_goes_while_it_is_read_is_tried_again(
    s3: S3Client, monkeypatch: pytest.MonkeyPatch, *, is_replaced: bool
) -> None:
    for module in (ranged_reader, s3_video):
        monkeypatch.setattr(module, "BLOCK_BYTES", 10_000)
    put_video(s3)
    find = S3Video.find

    def find_and_lose(*arguments: Any, **pin: Any) -> S3Video:  # noqa: ANN401 - as `find`
        found = find(*arguments, **pin)
        s3.delete_object(Bucket=VIDEOS, Key=KEY)
        if is_replaced:
            put_video(s3, data=b"another")
        return found

    monkeypatch.setattr(S3Video, "find", find_and_lose)
    with pytest.raises(RetryableError, match=r"was replaced or deleted .* It is tried again\."):
        invoke({"video": f"s3://{VIDEOS}/{KEY}"})
    assert visible_files(s3) == {}
    assert not [key for key in result_files(s3) if "/attempts/" in key]


def test_a_wrong_config_or_model_is_an_error_and_rejects_no_video(
    s3: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = put_video(s3)
    monkeypatch.setenv("PRETAG_DETECTOR__MODEL", "no.onnx")
    with pytest.raises(BrokenError, match=r"Model no\.onnx does not exist"):
        notify(record)
    monkeypatch.setenv("PRETAG_DETECTOR__MODLE", "x")
    with pytest.raises(ConfigError, match=r"did you mean 'detector\.model'"):
        notify(record)
    assert result_files(s3) == {}


def test_a_missing_output_bucket_is_an_error(s3: S3Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OUTPUT_BUCKET", "missing")
    with pytest.raises(BrokenError, match=r"s3://missing/.*NoSuchBucket"):
        notify(put_video(s3))


def test_all_records_are_processed_before_an_error_is_raised(
    s3: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = S3Video.find

    def fail_for_one_key(client: S3Client, bucket: str, key: str, **pin: Any) -> S3Video:  # noqa: ANN401 - as `find`
        if key == "failing.mp4":
            raise RetryableError("S3 failed.")
        return find(client, bucket, key, **pin)

    monkeypatch.setattr(S3Video, "find", fail_for_one_key)
    with pytest.raises(RetryableError):
        notify(put_video(s3, "failing.mp4", b""), put_video(s3))
    assert f"datasets/{KEY}/latest.json" in result_files(s3)


def test_the_config_file_is_read_from_s3_below_the_environment(
    s3: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRETAG_CONFIG", f"s3://{VIDEOS}/config/pretag.yaml")
    text = "sampling: {every_seconds: 9}\noutput: {images: false}\n"
    s3.put_object(Bucket=VIDEOS, Key="config/pretag.yaml", Body=text)
    notify(put_video(s3))
    (stored,) = [data for key, data in visible_files(s3).items() if key.endswith("config.json")]
    config = json.loads(stored)["config"]
    assert config["output"]["images"] is False
    assert config["sampling"]["every_seconds"] == 5  # from the environment


def test_a_config_file_that_cannot_be_read_is_an_error(
    s3: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRETAG_CONFIG", f"s3://{VIDEOS}/config/pretag.yaml")
    with pytest.raises(BrokenError, match=r"config/pretag\.yaml does not exist"):
        notify(put_video(s3))
    s3.put_object(Bucket=VIDEOS, Key="config/pretag.yaml", Body=b"\xff")
    with pytest.raises(BrokenError, match="is not UTF-8 text"):
        notify(put_video(s3))


def test_the_number_of_threads_follows_the_memory_of_the_function(
    s3: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[int] = []

    class NotingExecutor(OrderedExecutor):
        def __init__(self, cpus: int, **options: Callable[[], None]) -> None:
            used.append(cpus)
            super().__init__(cpus, **options)

    monkeypatch.setattr("pipeline.processing.OrderedExecutor", NotingExecutor)
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1024")
    notify(put_video(s3))
    assert used == [1]


def test_a_queue_gets_the_ids_of_the_messages_that_failed(
    s3: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRETAG_OUTPUT__IMAGES", "false")
    redriven = {"requestPayload": {"Records": [put_video(s3, "redriven.mp4")]}}
    wrong_config = {"video": f"s3://{VIDEOS}/{KEY}", "config": {"dedup": {"x": 1}}}
    bodies = {
        "good": json.dumps({"Records": [put_video(s3)]}),
        "text": "hello",
        "wrong config": json.dumps(wrong_config),
        "redriven": json.dumps(redriven),
    }
    response = notify(
        *(
            {"eventSource": "aws:sqs", "messageId": message_id, "body": body}
            for message_id, body in bodies.items()
        )
    )
    assert response == {
        "batchItemFailures": [{"itemIdentifier": "text"}, {"itemIdentifier": "wrong config"}]
    }
    processed = {f"datasets/{KEY}/latest.json", "datasets/redriven.mp4/latest.json"}
    assert processed < set(result_files(s3))


def test_a_direct_event_sets_config_and_output(
    s3: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_video(s3, "clips/without suffix")
    monkeypatch.setenv("PRETAG_OUTPUT__IMAGES", "true")
    response = invoke(
        {
            "video": f"s3://{VIDEOS}/clips/without suffix",
            "config": {"output": {"images": False}},
            "output": f"s3://{RESULTS}/trial/",
        }
    )
    (video,) = response["videos"]
    assert video["result"].startswith(f"s3://{RESULTS}/trial/clips/without suffix/")
    assert not [key for key in result_files(s3) if key.endswith(".jpg")]


@pytest.mark.parametrize(("disabled", "loaded"), [("true", "False"), ("false", "True")])
def test_the_tracing_package_is_imported_only_if_tracing_is_on(disabled: str, loaded: str) -> None:
    code = "import handler.app, sys; print('aws_xray_sdk' in sys.modules)"
    finished = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "POWERTOOLS_TRACE_DISABLED": disabled},
    )
    assert finished.stdout.strip() == loaded
