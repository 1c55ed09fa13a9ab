"""What each method of a bucket asks S3, and what it makes of the answers."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.response import StreamingBody
from botocore.stub import Stubber

from pipeline.errors import BrokenError, RetryableError
from pipeline.storage.s3 import bucket as bucket_module
from pipeline.storage.s3.bucket import Bucket
from pipeline.storage.s3.bucket_reader import StoredObject
from tests.support.s3_retries import quick_retries

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

OWNER = "123456789012"


@cache
def s3() -> S3Client:
    session = boto3.session.Session("testing", "testing", region_name="eu-central-1")
    return session.client("s3", config=Config(retries={"total_max_attempts": 1}))


class Scripted:
    """A bucket whose requests must be the ones that are expected, and get the given answers."""

    def __init__(self, owner: str | None) -> None:
        self._stubber = Stubber(s3())
        self._owner = {} if owner is None else {"ExpectedBucketOwner": owner}
        self.bucket = Bucket(s3(), "results", owner, quick_retries())

    def expect(self, operation: str, answer: dict[str, Any], **request: Any) -> None:  # noqa: ANN401
        expected = {"Bucket": "results", **self._owner, **request}
        self._stubber.add_response(operation, answer, expected)

    def fail(self, operation: str, code: str, status: int) -> None:
        self._stubber.add_client_error(operation, code, "why", status)

    def __enter__(self) -> Bucket:
        self._stubber.activate()
        return self.bucket

    def __exit__(self, *_: object) -> None:
        self._stubber.deactivate()
        self._stubber.assert_no_pending_responses()


@pytest.fixture(params=[OWNER, None], ids=["owner", "no owner"])
def scripted(request: pytest.FixtureRequest) -> Scripted:
    return Scripted(request.param)


@pytest.fixture(autouse=True)
def small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket_module, "_DELETED_AT_ONCE", 2)


def body(data: bytes) -> StreamingBody:
    return StreamingBody(io.BytesIO(data), len(data))


PUT = {"Key": "a/b.json", "Body": b"{}", "ContentType": "application/json"}
CHECKED_PUT = {**PUT, "ChecksumAlgorithm": "SHA256"}


def test_put_sends_a_content_type_and_a_checksum(scripted: Scripted) -> None:
    scripted.expect("put_object", {}, **CHECKED_PUT)
    with scripted as bucket:
        bucket.put("a/b.json", b"{}")


@pytest.mark.parametrize(
    ("key", "content_type"),
    [
        ("frames/frame_000001.jpg", "image/jpeg"),
        ("logs.csv", "text/csv"),
        ("report.md", "text/markdown"),
        ("report.html", "text/html"),
        ("manifest", "application/octet-stream"),
    ],
)
def test_the_content_type_follows_from_the_name(
    scripted: Scripted, key: str, content_type: str
) -> None:
    scripted.expect("put_object", {}, **{**CHECKED_PUT, "Key": key, "ContentType": content_type})
    with scripted as bucket:
        bucket.put(key, b"{}")


def test_put_sends_tags(scripted: Scripted) -> None:
    scripted.expect("put_object", {}, **CHECKED_PUT, Tagging="pretag=a+b%3D%26")
    with scripted as bucket:
        bucket.put("a/b.json", b"{}", {"pretag": "a b=&"})


def test_create_writes_only_what_does_not_exist(scripted: Scripted) -> None:
    scripted.expect("put_object", {}, **CHECKED_PUT, IfNoneMatch="*")
    scripted.fail("put_object", "PreconditionFailed", 412)
    with scripted as bucket:
        assert bucket.create("a/b.json", b"{}") is True
        assert bucket.create("a/b.json", b"{}") is False


def test_replace_writes_only_over_what_was_read(scripted: Scripted) -> None:
    scripted.expect("put_object", {}, **CHECKED_PUT, IfMatch='"1"')
    scripted.fail("put_object", "PreconditionFailed", 412)
    scripted.fail("put_object", "NoSuchKey", 404)
    with scripted as bucket:
        assert bucket.replace("a/b.json", b"{}", '"1"') is True
        assert bucket.replace("a/b.json", b"{}", '"1"') is False
        assert bucket.replace("a/b.json", b"{}", '"1"') is False


def test_get_returns_the_object_or_none(scripted: Scripted) -> None:
    scripted.expect("get_object", {"Body": body(b"{}"), "ETag": '"1"'}, Key="a")
    scripted.fail("get_object", "NoSuchKey", 404)
    with scripted as bucket:
        assert bucket.get("a") == StoredObject(b"{}", '"1"')
        assert bucket.get("a") is None


def test_exists_tells_whether_there_is_an_object(scripted: Scripted) -> None:
    scripted.expect("head_object", {}, Key="a")
    scripted.fail("head_object", "404", 404)
    with scripted as bucket:
        assert bucket.exists("a") is True
        assert bucket.exists("a") is False


@pytest.mark.parametrize("owner", [OWNER, None])
def test_copy_also_names_the_owner_of_the_source(owner: str | None) -> None:
    scripted = Scripted(owner)
    source = {} if owner is None else {"ExpectedSourceBucketOwner": owner}
    request = {"Key": "b", "CopySource": {"Bucket": "results", "Key": "a"}, **source}
    scripted.expect("copy_object", {}, **request)
    scripted.fail("copy_object", "NoSuchKey", 404)
    with scripted as bucket:
        assert bucket.copy("a", "b") is True
        assert bucket.copy("a", "b") is False


def test_delete_sends_groups_and_raises_the_error_of_a_key(scripted: Scripted) -> None:
    def group(*keys: str) -> dict[str, Any]:
        return {"Delete": {"Objects": [{"Key": key} for key in keys], "Quiet": True}}

    def error(code: str) -> dict[str, Any]:
        return {"Errors": [{"Key": "c", "Code": code, "Message": "why"}]}

    scripted.expect("delete_objects", {}, **group("a", "b"))
    scripted.expect("delete_objects", error("InternalError"), **group("c"))
    scripted.expect("delete_objects", error("AccessDenied"), **group("c"))
    with scripted as bucket, pytest.raises(BrokenError, match=r"AccessDenied: c: why.*policies"):
        bucket.delete(iter(["a", "b", "c"]))


def test_delete_of_nothing_asks_nothing(scripted: Scripted) -> None:
    with scripted as bucket:
        bucket.delete([])


def test_keys_reads_all_pages(scripted: Scripted) -> None:
    first = {"Contents": [{"Key": "p/a"}], "IsTruncated": True, "NextContinuationToken": "more"}
    scripted.expect("list_objects_v2", first, Prefix="p/")
    scripted.fail("list_objects_v2", "SlowDown", 503)
    last = {"Contents": [{"Key": "p/b"}], "IsTruncated": False}
    scripted.expect("list_objects_v2", last, Prefix="p/", ContinuationToken="more")
    scripted.expect("list_objects_v2", {"IsTruncated": False}, Prefix="p/")
    with scripted as bucket:
        assert bucket.keys("p/") == ["p/a", "p/b"]
        assert bucket.keys("p/") == []


METHODS: list[tuple[str, Callable[[Bucket], object]]] = [
    ("put_object", lambda bucket: bucket.put("k", b"")),
    ("put_object", lambda bucket: bucket.create("k", b"")),
    ("put_object", lambda bucket: bucket.replace("k", b"", '"1"')),
    ("get_object", lambda bucket: bucket.get("k")),
    ("head_object", lambda bucket: bucket.exists("k")),
    ("copy_object", lambda bucket: bucket.copy("k", "l")),
    ("delete_objects", lambda bucket: bucket.delete(["k"])),
    ("list_objects_v2", lambda bucket: bucket.keys("k")),
]


@pytest.mark.parametrize(("operation", "method"), METHODS)
def test_each_method_tries_again_and_raises_the_last_error(
    operation: str, method: Callable[[Bucket], object]
) -> None:
    scripted = Scripted(OWNER)
    for _ in range(9):
        scripted.fail(operation, "InternalError", 500)
    scripted.fail(operation, "SlowDown", 503)
    with scripted as bucket, pytest.raises(RetryableError, match=r"s3://results/k \(SlowDown"):
        method(bucket)


@pytest.mark.parametrize(("operation", "method"), METHODS)
def test_a_bucket_of_another_owner_is_broken_and_never_asked_twice(
    operation: str, method: Callable[[Bucket], object]
) -> None:
    scripted = Scripted(OWNER)
    scripted.fail(operation, "AccessDenied", 403)
    with scripted as bucket, pytest.raises(BrokenError, match="owner"):
        method(bucket)


@pytest.mark.parametrize(("operation", "method"), METHODS)
def test_a_bucket_that_does_not_exist_is_broken(
    operation: str, method: Callable[[Bucket], object]
) -> None:
    scripted = Scripted(OWNER)
    scripted.fail(operation, "NoSuchBucket", 404)
    with scripted as bucket, pytest.raises(BrokenError, match="Check the bucket's name"):
        method(bucket)


@pytest.mark.parametrize("code", ["PreconditionFailed", "NoSuchVersion"])
@pytest.mark.parametrize(
    ("operation", "method"),
    [method for method in METHODS if method[0] != "put_object"] + METHODS[:1],
)
def test_no_answer_of_a_bucket_of_results_says_that_a_video_was_superseded(
    operation: str, method: Callable[[Bucket], object], code: str
) -> None:
    scripted = Scripted(None)
    for _ in range(10):
        scripted.fail(operation, code, 412)
    with scripted as bucket, pytest.raises(RetryableError):
        method(bucket)


def test_a_condition_that_another_write_disturbed_is_tried_again(scripted: Scripted) -> None:
    scripted.fail("put_object", "ConditionalRequestConflict", 409)
    scripted.expect("put_object", {}, **CHECKED_PUT, IfNoneMatch="*")
    with scripted as bucket:
        assert bucket.create("a/b.json", b"{}") is True
