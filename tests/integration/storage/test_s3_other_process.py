"""What other processes of a command get of S3: a video and a store, sent as bytes."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import pytest

from pipeline.errors import SupersededError
from pipeline.resources.deadline import Deadline
from pipeline.storage.s3.result_place import S3ResultPlace
from pipeline.storage.s3.retries import Retries
from pipeline.storage.s3.video import S3Video
from tests.support.lambda_function import RESULTS, VARIABLES, VIDEOS, emulated_s3

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Client]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, VARIABLES[name])
    with emulated_s3() as client:
        yield client


@pytest.fixture
def sent(s3: S3Client) -> bytes:
    """Return a video, as it is sent."""
    s3.put_object(Bucket=VIDEOS, Key="in/a b.mp4", Body=b"content")
    retries = Retries(Deadline.never())
    return pickle.dumps(S3Video.find(s3, VIDEOS, "in/a b.mp4", retries=retries))


def test_a_video_is_found_again(sent: bytes) -> None:
    video: S3Video = pickle.loads(sent)  # noqa: S301 - of this test
    assert video.uri == f"s3://{VIDEOS}/in/a b.mp4"
    with video.open() as stream:
        assert stream.read() == b"content"


def test_a_video_that_was_replaced_is_not_taken_for_the_same(s3: S3Client, sent: bytes) -> None:
    s3.put_object(Bucket=VIDEOS, Key="in/a b.mp4", Body=b"other content")
    with pytest.raises(SupersededError, match="was replaced before it was read"):
        pickle.loads(sent)  # noqa: S301


def test_a_store_writes_the_files_of_the_same_attempt(s3: S3Client) -> None:
    store = S3ResultPlace(RESULTS, "x").store("a.mp4", "a.mp4", "0123456789abcdef")
    other = pickle.loads(pickle.dumps(store))  # noqa: S301
    assert other.location == store.location == f"s3://{RESULTS}/x/a.mp4/0123456789abcdef"
    assert store.begin() is None
    other.put("images/1.jpg", b"1")
    other.put("images/2.jpg", b"2")
    assert store.read("images/1.jpg") == b"1"
    store.remove(["images/1.jpg"])
    (left,) = s3.list_objects_v2(Bucket=RESULTS, Prefix="pretag-work/files/")["Contents"]
    assert left["Key"].endswith("/images/2.jpg")
    store.abandon()
    assert "Contents" not in s3.list_objects_v2(Bucket=RESULTS)


def test_a_store_removes_files_and_a_folder(s3: S3Client) -> None:
    store = S3ResultPlace(RESULTS, "x").store("a.mp4", "a.mp4", "0123456789abcdef")
    assert store.begin() is None
    for path in ("1.jpg", "shards/0.zip", "shards/1.zip", "shards.csv"):
        store.put(path, b"1")
    store.remove(["1.jpg", "not there"])
    store.remove_folder("shards")
    store.remove_folder("not there")
    (left,) = s3.list_objects_v2(Bucket=RESULTS, Prefix="pretag-work/files/")["Contents"]
    assert left["Key"].endswith("/shards.csv")
    store.abandon()
