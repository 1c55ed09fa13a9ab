"""The Lambda handler against S3 (moto): events in, trees and metrics out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from moto import mock_aws

from handler import app
from pipeline.concurrency.ordered_executor import OrderedExecutor
from pipeline.detection.model import MODELS_DIRECTORY, Model
from pipeline.errors import BrokenError, ConfigError, RetryableError, SupersededError
from pipeline.storage.s3.client import s3_client, translate_s3_errors
from pipeline.storage.s3.sink import S3Sink
from pipeline.storage.s3.video import S3Video
from tests.support import clips, emf

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

DEFAULT_MODEL = MODELS_DIRECTORY / "ssdlite_mobilenet_v2_coco.onnx"
KEY = "incoming/cam 1+2/höhe.mp4"
SERVICE = frozenset({("service", "pretag-test")})


@dataclass
class Context:
    """What Powertools reads of Lambda's context."""

    function_name: str = "pretag"
    memory_limit_in_mb: int = 1024
    invoked_function_arn: str = "arn:aws:lambda:eu-central-1:123456789012:function:pretag"
    aws_request_id: str = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Client]:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "OUTPUT_BUCKET": "results",
        "OUTPUT_PREFIX": "datasets",
        "PRETAG_SAMPLING__EVERY_SECONDS": "5",
        "POWERTOOLS_SERVICE_NAME": "pretag-test",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(app.logger, "service", "pretag-test")
    s3_client.cache_clear()
    with mock_aws():
        client = s3_client()
        for name in ("incoming", "results"):
            client.create_bucket(
                Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
            )
        yield client
    s3_client.cache_clear()


def put(client: S3Client, key: str = KEY, body: bytes | None = None) -> dict[str, Any]:
    """Put an object and return the record that S3 would send."""
    data = clips.SAMPLE.read_bytes() if body is None else body
    answer = client.put_object(Bucket="incoming", Key=key, Body=data)
    return {
        "eventSource": "aws:s3",
        "eventName": "ObjectCreated:Put",
        "s3": {
            "bucket": {"name": "incoming"},
            "object": {
                "key": quote_plus(key),
                "size": len(data),
                "eTag": answer["ETag"].strip('"'),
            },
        },
    }


def invoke(*records: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = app.lambda_handler({"Records": list(records)}, Context())
    json.dumps(answer)  # Lambda must be able to send it
    return answer


def tree(client: S3Client) -> dict[str, bytes]:
    pages = client.get_paginator("list_objects_v2").paginate(Bucket="results")
    return {
        each["Key"]: client.get_object(Bucket="results", Key=each["Key"])["Body"].read()
        for page in pages
        for each in page.get("Contents", [])
    }


def test_an_upload_becomes_a_complete_result_and_metrics(
    bucket: S3Client, capsys: pytest.CaptureFixture[str]
) -> None:
    (video,) = invoke(put(bucket))["videos"]
    assert video["status"] == "done"
    assert video["video"] == f"s3://incoming/{KEY}"
    home = f"datasets/{KEY}"
    found = tree(bucket)
    latest = json.loads(found[f"{home}/latest.json"])
    run = latest["run_id"]
    assert video["result"] == f"s3://results/{home}/{run}"
    manifest = json.loads(found[f"{home}/{latest['manifest']}"])
    listed = {f"{home}/{run}/{each['path']}": each["bytes"] for each in manifest["files"]}
    assert {key: len(found[key]) for key in listed} == listed
    assert set(found) == {*listed, f"{home}/latest.json", f"{home}/{run}/manifest.json"}
    names = {key.removeprefix(f"{home}/{run}/") for key in listed}
    assert {
        "annotations/instances_default.json", "predictions.json", "frames.csv", "config.json",
        "logs.csv", "report.md",
    } < names  # fmt: skip
    assert (
        sum(name.startswith("images/default/frame_") for name in names)
        == (video["counts"]["frames_kept"])
    )

    blobs = emf.blobs(capsys.readouterr().out)
    assert {blob["video"] for blob in blobs} == {f"s3://incoming/{KEY}"}
    metrics = {name: value for blob in blobs for name, value in emf.values(blob).items()}
    counts = video["counts"]
    for name, expected in {
        "VideosProcessed": 1,
        "VideosRejected": 0,
        "FramesDecoded": 300,
        "FramesCorrupt": 0,
        "FramesLost": 0,
        "SecondsLost": 0,
        "SecondsShort": 0,
        "DecodeCoverage": 100,
        "FramesSampled": 6,
        "FramesKept": counts["frames_kept"],
        "Detections": counts["detections"],
    }.items():
        assert metrics[name, SERVICE] == expected
    for stage in ("Fetch", "Decode", "Dedupe", "Detect", "Encode", "Write", "Total"):
        assert metrics[f"{stage}Seconds", SERVICE] > 0
    assert metrics["VideoSeconds", SERVICE] == 29.9
    assert metrics["RealTimeFactor", SERVICE] == pytest.approx(
        metrics["TotalSeconds", SERVICE] / 29.9
    )
    assert metrics["PeakMemory", SERVICE] > 50
    coco = json.loads(found[f"{home}/{run}/annotations/instances_default.json"])
    people = sum(each["category_id"] == 1 for each in coco["annotations"])
    assert people > 10
    assert metrics["DetectionsByClass", SERVICE | {("class", "person")}] == people
    by_class = [value for (name, _), value in metrics.items() if name == "DetectionsByClass"]
    assert sum(by_class) == counts["detections"]
    dimensions = {name for _, each in metrics for name, _ in each}
    assert dimensions == {"service", "class"}


def test_the_manifest_is_written_after_all_files_that_it_lists(
    bucket: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    put_object = S3Sink.put

    def noted(sink: S3Sink, path: str, data: bytes) -> None:
        written.append(path)
        put_object(sink, path, data)

    monkeypatch.setattr(S3Sink, "put", noted)
    invoke(put(bucket))
    assert written[-1] == "manifest.json"


def test_bad_videos_are_rejected_and_the_others_are_processed(
    bucket: S3Client, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sound = clips.write_audio(tmp_path / "sound.mp4").read_bytes()
    frames = [clips.texture(1)] * 20
    av1 = clips.replace_codec(clips.write_clip(tmp_path / "a.mp4", frames), b"avc1", b"av01")
    whole = clips.write_clip(tmp_path / "b.mp4", frames).read_bytes()
    bad = {
        "empty.mp4": (b"", "empty"),
        "text.mp4": (b"hello", "not_a_video"),
        "sound.mp4": (sound, "no_video_stream"),
        "cut.mp4": (whole[:-900], "truncated"),
        "av1.mp4": (av1.read_bytes(), "no_decodable_frame"),
    }
    records = [put(bucket, key, body) for key, (body, _) in bad.items()]
    answer = invoke(*records, put(bucket))
    assert [video["reason"] for video in answer["videos"]] == [
        *(reason for _, reason in bad.values()),
        None,
    ]
    found = tree(bucket)
    for key, (_, reason) in bad.items():
        (path,) = [each for each in found if each.startswith(f"datasets/{key}/")]
        assert path.endswith("/rejection.json")
        assert json.loads(found[path])["reason"] == reason
    blobs = emf.blobs(capsys.readouterr().out)
    rejected = [blob for blob in blobs if blob.get("VideosRejected") == [1]]
    assert {(blob["video"], blob["reason"]) for blob in rejected} == {
        (f"s3://incoming/{key}", reason) for key, (_, reason) in bad.items()
    }


def test_an_object_that_is_not_a_video_is_skipped_with_a_log_line(
    bucket: S3Client, caplog: pytest.LogCaptureFixture
) -> None:
    removed = {**put(bucket, "a.mp4"), "eventName": "ObjectRemoved:Delete"}
    names = ["s3://incoming/notes.txt", "s3://incoming/a.mp4", "s3://incoming/x.mp4/"]
    answer = invoke(put(bucket, "notes.txt", b"x"), removed, put(bucket, "x.mp4/", b""))
    assert answer["videos"] == []
    assert [each["skipped"] for each in answer["skipped"]] == names
    outcomes = [
        each.__dict__["outcome"] for each in caplog.records if each.message == "Video processed"
    ]
    assert [each["skipped"] for each in outcomes] == names
    test = app.lambda_handler({"Service": "Amazon S3", "Event": "s3:TestEvent"}, Context())
    assert test["skipped"][0]["skipped"] == "s3:TestEvent"
    assert tree(bucket) == {}


def test_a_warm_call_does_not_load_the_model_again(
    bucket: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoke(put(bucket))

    def load(*_arguments: object) -> Model:
        raise AssertionError("loaded again")

    monkeypatch.setattr(Model, "load", load)
    assert invoke(put(bucket))["videos"][0]["status"] == "done"


def test_an_object_that_is_gone_or_replaced_is_superseded(
    bucket: S3Client, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = put(bucket, "gone.mp4")
    bucket.delete_object(Bucket="incoming", Key="gone.mp4")
    stale = put(bucket, "stale.mp4", b"old")
    put(bucket, "stale.mp4", b"new")
    answer = invoke(gone, stale)
    assert [video["status"] for video in answer["videos"]] == ["superseded"] * 2
    assert tree(bucket) == {}
    blobs = emf.blobs(capsys.readouterr().out)
    assert [emf.values(blob)["VideosSuperseded", SERVICE] for blob in blobs] == [1, 1]


def test_a_versioned_object_is_read_by_its_version(bucket: S3Client) -> None:
    bucket.put_bucket_versioning(Bucket="incoming", VersioningConfiguration={"Status": "Enabled"})
    first = bucket.put_object(Bucket="incoming", Key="a.mp4", Body=b"first")["VersionId"]
    bucket.put_object(Bucket="incoming", Key="a.mp4", Body=b"second")
    video = S3Video.find(bucket, "incoming", "a.mp4", version_id=first)
    assert video.identity == {"bucket": "incoming", "key": "a.mp4", "version_id": first}
    with video.open() as stream:
        assert stream.read() == b"first"


def test_a_broken_config_or_model_raises_and_rejects_no_video(
    bucket: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = put(bucket)
    monkeypatch.setenv("PRETAG_DETECTOR__MODEL", "no.onnx")
    with pytest.raises(BrokenError, match=r"Model no\.onnx does not exist"):
        invoke(record)
    monkeypatch.setenv("PRETAG_DETECTOR__MODLE", "x")
    with pytest.raises(ConfigError, match=r"did you mean 'detector\.model'"):
        invoke(record)
    assert tree(bucket) == {}


def test_all_records_are_processed_before_a_failure_is_raised(
    bucket: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = S3Video.find

    def flaky(client: S3Client, bucket: str, key: str, **pin: str | None) -> S3Video:
        if key == "flaky.mp4":
            raise RetryableError("S3 failed on it.")
        return find(client, bucket, key, **pin)

    monkeypatch.setattr(S3Video, "find", flaky)
    with pytest.raises(RetryableError):
        invoke(put(bucket, "flaky.mp4", b""), put(bucket))
    assert f"datasets/{KEY}/latest.json" in tree(bucket)


def test_the_config_file_is_read_from_s3(bucket: S3Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRETAG_CONFIG", "s3://incoming/config/pretag.yaml")
    with pytest.raises(BrokenError, match=r"s3://incoming/config/pretag.yaml does not exist"):
        invoke(put(bucket))
    body = "sampling: {every_seconds: 9}\noutput: {images: false}\n"
    bucket.put_object(Bucket="incoming", Key="config/pretag.yaml", Body=body)
    invoke(put(bucket))
    (stored,) = [
        json.loads(data) for key, data in tree(bucket).items() if key.endswith("config.json")
    ]
    assert stored["config"]["output"]["images"] is False
    assert stored["config"]["sampling"]["every_seconds"] == 5  # the environment comes after
    bucket.put_object(Bucket="incoming", Key="config/pretag.yaml", Body=b"\xff")
    with pytest.raises(BrokenError, match="is not UTF-8 text"):
        invoke(put(bucket))


def test_a_missing_output_bucket_is_broken(
    bucket: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUTPUT_BUCKET", "nowhere")
    with pytest.raises(BrokenError, match=r"S3 refuses PutObject on s3://nowhere/.*NoSuchBucket"):
        invoke(put(bucket))


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("SlowDown", RetryableError),
        ("500", RetryableError),
        ("AccessDenied", BrokenError),
        ("412", SupersededError),
    ],
)
def test_errors_of_s3_are_translated(code: str, kind: type[Exception]) -> None:
    response: Any = {"Error": {"Code": code, "Message": "so it is"}}
    with pytest.raises(kind, match=r"s3://b/k"), translate_s3_errors("s3://b/k"):
        raise ClientError(response, "GetObject")


def test_a_network_that_fails_is_retryable_and_missing_credentials_are_broken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with (
        pytest.raises(RetryableError, match="could not be reached"),
        translate_s3_errors("s3://b/k"),
    ):
        raise EndpointConnectionError(endpoint_url="https://s3.example")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    client = boto3.session.Session().client("s3", region_name="eu-central-1")
    with pytest.raises(BrokenError, match="No AWS credentials"):
        S3Sink(client, "b", "", "k.mp4", "run").put("x.json", b"")


def test_a_bucket_name_that_s3_refuses_is_broken() -> None:
    client = boto3.session.Session().client("s3", region_name="eu-central-1")
    with pytest.raises(BrokenError, match="is not a name that S3 accepts"):
        S3Sink(client, "bad bucket!", "", "k.mp4", "run").put("x.json", b"")


def test_threads_follow_the_functions_memory(
    bucket: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    class Counted(OrderedExecutor):
        def __init__(self, cpus: int, **others: Callable[[], None]) -> None:
            asked.append(cpus)
            super().__init__(cpus, **others)

    monkeypatch.setattr("pipeline.run.OrderedExecutor", Counted)
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1024")
    invoke(put(bucket))
    assert asked == [1]


def test_a_queue_gets_the_ids_of_the_messages_that_failed(
    bucket: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRETAG_OUTPUT__IMAGES", "false")
    bodies = {
        "good": json.dumps({"Records": [put(bucket)]}),
        "none": "hello",
        "broken": json.dumps({"video": f"s3://incoming/{KEY}", "config": {"dedup": {"x": 1}}}),
        "redriven": json.dumps({"requestPayload": {"Records": [put(bucket, "redriven.mp4")]}}),
    }
    records = [
        {"eventSource": "aws:sqs", "messageId": name, "body": body} for name, body in bodies.items()
    ]
    answer = app.lambda_handler({"Records": records}, Context())
    assert answer == {
        "batchItemFailures": [{"itemIdentifier": "none"}, {"itemIdentifier": "broken"}]
    }
    assert {f"datasets/{KEY}/latest.json", "datasets/redriven.mp4/latest.json"} < set(tree(bucket))


def test_a_direct_event_sets_config_and_output(
    bucket: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(bucket, "clips/without suffix")
    monkeypatch.setenv("PRETAG_OUTPUT__IMAGES", "true")
    answer = app.lambda_handler(
        {
            "video": "s3://incoming/clips/without suffix",
            "config": {"output": {"images": False}},
            "output": "s3://results/trial/",
        },
        Context(),
    )
    (video,) = answer["videos"]
    assert video["result"].startswith("s3://results/trial/clips/without suffix/")
    assert not [key for key in tree(bucket) if key.endswith(".jpg")]


def test_tracing_is_on_only_if_the_deployment_asks_for_it() -> None:
    code = "import handler.app, sys; print('aws_xray_sdk' in sys.modules)"
    for disabled, loaded in {"true": "False", "false": "True"}.items():
        finished = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True, text=True, check=True,
            env={**os.environ, "POWERTOOLS_TRACE_DISABLED": disabled},
        )  # fmt: skip
        assert finished.stdout.strip() == loaded


def model_in_s3(client: S3Client, key: str = "models/my detector.v1.onnx") -> str:
    client.create_bucket(
        Bucket="shelf", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    client.put_object(Bucket="shelf", Key=key, Body=DEFAULT_MODEL.read_bytes())
    return f"s3://shelf/{key}"


def with_model(record: dict[str, Any], uri: str, **detector: object) -> dict[str, Any]:
    video = f"s3://{record['s3']['bucket']['name']}/{KEY}"
    return {"video": video, "config": {"detector": {"model": uri, **detector}}}


def test_a_model_in_s3_is_fetched_once_with_its_card(
    bucket: S3Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    uri = model_in_s3(bucket)
    card = 'name = "mine"\n[thresholds]\nscore = 0.85\n'
    bucket.put_object(Bucket="shelf", Key="models/my detector.v1.toml", Body=card.encode())
    event = with_model(put(bucket), uri)
    (video,) = app.lambda_handler(event, Context())["videos"]
    found = tree(bucket)
    stored = json.loads(next(body for key, body in found.items() if key.endswith("/config.json")))
    assert stored["model"]["name"] == "my detector.v1"
    assert stored["model"]["score_threshold"] == 0.85
    assert not list(tmp_path.iterdir())  # the memory holds it now
    bucket.delete_object(Bucket="shelf", Key="models/my detector.v1.onnx")
    (again,) = app.lambda_handler(event, Context())["videos"]
    assert again["result"] == video["result"]


@pytest.mark.parametrize(
    ("uri", "detector", "message"),
    [
        ("s3://shelf/none.onnx", {}, r"s3://shelf/none\.onnx does not exist"),
        ("s3://no-shelf/a.onnx", {}, "Check the bucket's name"),
        (
            "s3://shelf/models/my detector.v1.onnx",
            {"max_megabytes": 1},
            "detector.max_megabytes allows 1",
        ),
        ("s3://shelf/cut.onnx", {}, r"s3://shelf/cut\.onnx, as fetched from S3: .*cut short"),
        ("s3://shelf/other.onnx", {}, "is not the file of its card"),
    ],
)
def test_a_model_in_s3_that_cannot_be_used(
    bucket: S3Client, uri: str, detector: dict[str, object], message: str
) -> None:
    model_in_s3(bucket)
    data = DEFAULT_MODEL.read_bytes()
    bucket.put_object(Bucket="shelf", Key="cut.onnx", Body=data[: len(data) // 2])
    bucket.put_object(Bucket="shelf", Key="other.onnx", Body=data)
    card = DEFAULT_MODEL.with_suffix(".toml").read_text().replace("469517c4", "00000000")
    bucket.put_object(Bucket="shelf", Key="other.toml", Body=card.encode())
    with pytest.raises(BrokenError, match=message):
        app.lambda_handler(with_model(put(bucket), uri, **detector), Context())
