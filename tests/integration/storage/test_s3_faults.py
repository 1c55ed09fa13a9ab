"""Requests to a real server whose connections break, fall silent or trickle."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from pipeline.concurrency.run_within import run_within
from pipeline.errors import BrokenError, RetryableError
from pipeline.resources.deadline import Deadline
from pipeline.storage.s3 import ranged_reader, video
from pipeline.storage.s3.bucket import Bucket
from pipeline.storage.s3.client import read_text, s3_client
from pipeline.storage.s3.model_files import fetch_model_files
from pipeline.storage.s3.retries import TRIES, Retries
from pipeline.storage.s3.video import S3Video
from tests.support.faulty_s3 import FaultyS3, faulty_s3

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BLOCK = 8 * 1024
DATA = bytes(range(256)) * 100
TRY_SECONDS = 0.3

FAULTS = [
    "reset",
    "reset in body",
    "truncated",
    "silence",
    "silence in body",
    "trickle",
    "trickle in body",
    "SlowDown 503",
    "InternalError 500",
    "RequestTimeout 400",
    "ExpiredToken 400",
]


def short_try(function: Callable[[], Any], seconds: float) -> Any:  # noqa: ANN401
    return run_within(function, min(seconds, TRY_SECONDS))


def retries() -> Retries:
    return Retries(Deadline.never(), random=lambda: 0.0, within=short_try)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultyS3]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    for module in (ranged_reader, video):
        monkeypatch.setattr(module, "BLOCK_BYTES", BLOCK)
    with faulty_s3(DATA) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.url)
        s3_client.cache_clear()
        yield server
    s3_client.cache_clear()


def find() -> S3Video:
    return S3Video.find(s3_client(), "videos", "clip", retries=retries())


@pytest.mark.parametrize("fault", FAULTS)
def test_the_first_block_is_requested_until_it_is_complete(server: FaultyS3, fault: str) -> None:
    server.faults = [fault, fault]
    found = find()
    assert (found.size, found.head) == (len(DATA), DATA[:BLOCK])
    assert len(server.requests) == 3


@pytest.mark.parametrize("fault", FAULTS)
def test_each_later_block_is_requested_until_it_is_complete(server: FaultyS3, fault: str) -> None:
    found = find()
    server.faults = [fault, fault]
    with found.open() as stream:
        assert stream.read() == DATA
    assert len(server.requests) == 1 + 3 + 2
    for _, headers in server.requests[1:]:
        assert headers["If-Match"] == f'"{server.etag}"'


@pytest.mark.parametrize("fault", ["reset", "silence", "SlowDown 503", "InternalError 500"])
def test_a_write_is_repeated_until_it_is_answered(server: FaultyS3, fault: str) -> None:
    server.faults = [fault, fault]
    Bucket(s3_client(), "results", None, retries()).put("a.json", b"{}")
    assert len(server.written) == 3


@pytest.mark.parametrize("fault", FAULTS)
def test_a_config_file_is_read_until_it_is_complete(server: FaultyS3, fault: str) -> None:
    server.data = b"sampling: {}" * 100
    server.faults = [fault]
    assert read_text("s3://b/pretag.yaml", s3_client(), retries()) == server.data.decode()


def fetch_model(folder: Path) -> Path:
    return fetch_model_files(
        s3_client(),
        "s3://b/model.onnx",
        folder,
        card_suffixes=(),
        max_megabytes=1,
        retries=retries(),
    )


@pytest.mark.parametrize("fault", FAULTS)
def test_a_model_is_fetched_until_it_is_complete(
    server: FaultyS3, fault: str, tmp_path: Path
) -> None:
    server.faults = [fault, fault]
    assert fetch_model(tmp_path).read_bytes() == DATA


def test_a_model_that_is_replaced_while_it_is_fetched_is_fetched_again_later(
    server: FaultyS3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = find()
    monkeypatch.setattr(S3Video, "find", lambda *_arguments, **_options: found)
    server.faults = ["PreconditionFailed 412"]
    with pytest.raises(RetryableError, match="was replaced while it was fetched"):
        fetch_model(tmp_path)


def test_only_the_ladder_tries_again(server: FaultyS3) -> None:
    server.faults = ["SlowDown 503"] * 100
    with pytest.raises(RetryableError, match=r"SlowDown: of the test"):
        find()
    assert len(server.requests) == TRIES


def test_nothing_is_tried_again_that_a_person_must_repair(server: FaultyS3) -> None:
    server.faults = ["InvalidObjectState 403"]
    with pytest.raises(BrokenError, match=r"archived\. Restore it"):
        find()
    assert len(server.requests) == 1


@pytest.mark.parametrize("fault", ["NoSuchKey 404", "PreconditionFailed 412"])
def test_a_write_that_is_answered_by_404_or_412_is_never_superseded(
    server: FaultyS3, fault: str
) -> None:
    server.faults = [fault] * 100
    with pytest.raises(RetryableError, match="S3 failed in PutObject"):
        Bucket(s3_client(), "results", None, retries()).put("a.json", b"{}")


def test_a_conflict_of_conditional_writes_is_tried_again(server: FaultyS3) -> None:
    server.faults = ["ConditionalRequestConflict 409"]
    assert Bucket(s3_client(), "results", None, retries()).create("a.json", b"{}")
    assert [headers["If-None-Match"] for _, headers in server.requests] == ["*", "*"]


def test_a_write_that_was_carried_out_but_not_answered_is_found_on_the_retry(
    server: FaultyS3,
) -> None:
    server.faults = ["reset", "PreconditionFailed 412"]
    assert not Bucket(s3_client(), "results", None, retries()).create("a.json", b"mine")
    assert b"mine" in server.written[0]


def test_a_server_that_never_answers_ends_with_the_deadline(server: FaultyS3) -> None:
    server.faults = ["silence"] * 100
    deadline = Deadline.after(0.2)
    with pytest.raises(RetryableError, match="did not complete its answer for s3://videos/clip"):
        S3Video.find(s3_client(), "videos", "clip", retries=Retries(deadline))
    assert len(server.requests) == 1
    assert deadline.seconds_left() == 0


def test_a_block_that_hangs_does_not_keep_the_stream_open(
    server: FaultyS3, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranged_reader, "_CLOSING_SECONDS", 0.01)
    ladder = Retries(Deadline.never(), random=lambda: 0.0)
    found = S3Video.find(s3_client(), "videos", "clip", retries=ladder)
    server.faults = ["silence"] * 100
    with found.open() as stream:
        place = stream.seek(BLOCK // 2)  # from here on, the next block is fetched ahead
        assert stream.read(1) == DATA[place : place + 1]
        assert server.is_silent.wait(60)
    (read_ahead,) = (
        thread for thread in threading.enumerate() if thread.name.startswith("read-ahead")
    )
    server.is_over.set()  # the connection ends, and no other try follows
    read_ahead.join()
    assert len(server.requests) == 2


def test_each_retry_is_logged_once(server: FaultyS3, caplog: pytest.LogCaptureFixture) -> None:
    server.faults = ["SlowDown 503", "reset"]
    with caplog.at_level(logging.WARNING):
        find()
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == 2
    assert "SlowDown" in messages[0]
    assert "Connection" in messages[1]


def test_a_client_of_the_aws_sdk_would_try_again_itself(server: FaultyS3) -> None:
    """The server counts tries, so the test of the ladder's own count can fail."""
    server.faults = ["SlowDown 503"] * 2
    config = Config(retries={"mode": "standard", "max_attempts": 3})
    sdk: S3Client = boto3.client("s3", config=config)
    sdk.get_object(Bucket="videos", Key="clip")
    assert len(server.requests) == 3
