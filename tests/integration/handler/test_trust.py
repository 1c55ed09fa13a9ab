"""Events that name too much, bad records beside good ones, and keys without room for results."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from handler import app
from pipeline.errors import BrokenError
from pipeline.storage.s3.video import S3Video
from tests.support import clips, emf
from tests.support.lambda_function import (
    KEY,
    RESULTS,
    VIDEOS,
    create_bucket,
    invoke,
    notify,
    put_video,
    result_files,
    visible_files,
)

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

DIRECT = {"video": f"s3://{VIDEOS}/{KEY}"}
# The longest key of a video whose results fit below the prefix `datasets`.
LONGEST = 963


def in_queue(event: object, **details: object) -> dict[str, Any]:
    message = {"eventSource": "aws:sqs", "messageId": "1", "body": json.dumps(event), **details}
    return {"Records": [message]}


def no_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the test fail if a video is read."""

    def fail(*_arguments: object, **_pin: object) -> S3Video:
        raise AssertionError("The video was read.")

    monkeypatch.setattr(S3Video, "find", fail)


@pytest.mark.parametrize(
    "event",
    [
        {**DIRECT, "video": f"s3://{RESULTS}/{KEY}"},
        {**DIRECT, "output": "s3://other/trial"},
        {**DIRECT, "config": {"detector": {"model": "/var/task/models/a.onnx"}}},
        {**DIRECT, "config": {"detector": {"model": "s3://models/a.onnx"}}},
        {**DIRECT, "config": {"detector": {"tiles": 8}}},
        {**DIRECT, "config": {"sampling": {"every_seconds": 0.1}}},
        {**DIRECT, "config": {"limits": {"hours": 49, "megapixels": 256}}},
    ],
)
def test_an_event_that_names_or_asks_too_much_writes_nothing(
    s3: S3Client, event: dict[str, Any]
) -> None:
    create_bucket(s3, "other")
    put_video(s3)
    with pytest.raises(BrokenError, match=r"The event (names|sets) "):
        invoke(event)
    assert result_files(s3) == {}


def test_a_forged_notification_reads_no_other_bucket(
    s3: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_reads(monkeypatch)
    record = put_video(s3)
    record["s3"]["bucket"]["name"] = RESULTS
    assert invoke(in_queue({"Records": [record]})) == {
        "batchItemFailures": [{"itemIdentifier": "1"}]
    }
    forged = {
        "source": "aws.s3",
        "detail-type": "Object Created",
        "detail": {"bucket": {"name": RESULTS}, "object": {"key": KEY}},
    }
    with pytest.raises(BrokenError, match=f"names the bucket {RESULTS}"):
        invoke(forged)


@pytest.mark.parametrize("event", [DIRECT, {"requestPayload": DIRECT}])
def test_a_direct_event_in_a_queue_is_a_failed_message(
    s3: S3Client, monkeypatch: pytest.MonkeyPatch, event: dict[str, Any]
) -> None:
    no_reads(monkeypatch)
    put_video(s3)
    assert invoke(in_queue(event)) == {"batchItemFailures": [{"itemIdentifier": "1"}]}


def test_good_records_are_processed_before_a_bad_one_is_an_error(s3: S3Client) -> None:
    bad = {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": {"bucket": None}}
    with pytest.raises(BrokenError, match=r"record 1 of 2 cannot be read.*s3\.bucket\.name"):
        notify(bad, put_video(s3))
    assert f"datasets/{KEY}/latest.json" in visible_files(s3)


@pytest.mark.parametrize("message_id", [None, "", 7, "x" * 1000])
def test_a_failed_message_without_an_id_is_an_error(s3: S3Client, message_id: object) -> None:
    good = in_queue({"Records": [put_video(s3)]})["Records"]
    bad = in_queue({}, messageId=message_id)["Records"]
    with pytest.raises(BrokenError, match="has no messageId"):
        notify(*bad, *good)
    assert f"datasets/{KEY}/latest.json" in visible_files(s3)


def test_what_is_logged_of_an_event_is_bounded(
    s3: S3Client, caplog: pytest.LogCaptureFixture
) -> None:
    put_video(s3)
    huge: list[dict[str, Any]] = [
        {"x" * 100_000: 1},
        {**DIRECT, "y" * 100_000: 1},
        {**DIRECT, "config": {"z" * 100_000: 1}},
        {**DIRECT, "config": {"detector": {"classes": [["w"] * 100_000]}}},
        {**DIRECT, "config": {"detector": {"classes": [7] * 2000}}},
        {**DIRECT, "config": {"detector": {"tiles": "v" * 1000}}},
        {"Records": [{"eventSource": "u" * 100_000}]},
    ]
    for event in huge:
        with pytest.raises(BrokenError):
            invoke(event)
    lines = [app.logger.registered_formatter.format(record) for record in caplog.records]
    assert len(lines) >= 4
    assert max(map(len, lines)) < 20_000


@pytest.mark.parametrize("letter", ["a", "é", "高"])
def test_a_key_of_any_length_has_one_ending(
    s3: S3Client, monkeypatch: pytest.MonkeyPatch, letter: str
) -> None:
    """tests/unit/handler/test_result_keys.py has each length."""
    keys = {length: key_of(length, letter) for length in (900, *range(960, 968), 1000, 1023, 1024)}
    find = S3Video.find
    read: list[str] = []

    def find_and_note(client: S3Client, bucket: str, key: str, **pin: Any) -> S3Video:  # noqa: ANN401
        read.append(key)
        return find(client, bucket, key, **pin)

    monkeypatch.setattr(S3Video, "find", find_and_note)
    for length, key in keys.items():
        (video,) = notify(put_video(s3, key, b"hello"))["videos"]
        reason = "not_a_video" if length <= LONGEST else "key_too_long"
        assert (video["status"], video["reason"]) == ("rejected", reason)
    assert read == [key for length, key in keys.items() if length <= LONGEST]
    contents = [json.loads(data) for data in visible_files(s3).values()]
    assert {content["source"]["key"] for content in contents} == set(keys.values())


@pytest.mark.parametrize("letter", ["a", "高"])
def test_the_longest_key_has_a_whole_result(s3: S3Client, letter: str, tmp_path: Path) -> None:
    clip = clips.write_clip(tmp_path / "clip.mp4", [clips.texture(1)] * 3).read_bytes()
    (video,) = notify(put_video(s3, key_of(LONGEST, letter), clip))["videos"]
    assert video["status"] == "done"
    assert max(len(key.encode()) for key in visible_files(s3)) == 1024


def test_a_key_that_is_too_long_is_rejected_once_and_told(
    s3: S3Client, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sent: list[Any] = []
    monkeypatch.setenv("EVENT_BUS", "results")
    monkeypatch.setattr(
        "handler.notification.send_notification", lambda _bus, told: sent.append(told)
    )
    key = key_of(1024, "a")
    record = put_video(s3, key)
    (video,) = notify(record)["videos"]
    files = result_files(s3)
    (again,) = notify(record)["videos"]
    assert (again["status"], again["result"]) == ("repeated", video["result"])
    assert result_files(s3) == files
    ((path, data),) = visible_files(s3).items()
    assert path.startswith("datasets/pretag-long-keys/")
    assert json.loads(data)["reason"] == "key_too_long"
    assert "a key of at most 963 bytes" in json.loads(data)["message"]
    (told,) = sent
    assert (told.key, told.ending, told.reason) == (key, "rejected", "key_too_long")
    rejections = [
        blob for blob in emf.blobs(capsys.readouterr().out) if blob.get("VideosRejected") == [1]
    ]
    assert [blob["reason"] for blob in rejections] == ["key_too_long"]


def test_a_direct_event_for_a_key_that_is_too_long_is_rejected_too(s3: S3Client) -> None:
    key = key_of(1024, "a")
    put_video(s3, key)
    (video,) = invoke({"video": f"s3://{VIDEOS}/{key}"})["videos"]
    assert (video["status"], video["reason"]) == ("rejected", "key_too_long")
    invoke({"video": f"s3://{VIDEOS}/{key}"})
    assert len(visible_files(s3)) == 1


def key_of(length: int, letter: str) -> str:
    """Return the key of a video with a number of bytes of UTF-8."""
    room = length - len(".mp4")
    size = len(letter.encode())
    return letter * (room // size) + "b" * (room % size) + ".mp4"
