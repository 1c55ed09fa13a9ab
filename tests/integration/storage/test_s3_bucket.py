"""A bucket of results in the S3 of moto: conditions, copies, checksums."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

import pytest

from pipeline.storage.s3.bucket import Bucket
from tests.support.s3_retries import quick_retries

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch, client: S3Client) -> S3Client:
    """Return a client whose lists have pages of two keys."""
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "2")
    return client


@pytest.fixture
def bucket(client: S3Client) -> Bucket:
    return Bucket(client, "results", "123456789012", quick_retries())


def read(bucket: Bucket, key: str) -> bytes:
    stored = bucket.get(key)
    assert stored is not None
    return stored.data


def test_an_object_is_created_once(bucket: Bucket) -> None:
    assert bucket.get("a") is None
    assert not bucket.exists("a")
    assert bucket.create("a", b"first")
    assert not bucket.create("a", b"second")
    assert bucket.exists("a")
    assert read(bucket, "a") == b"first"


def test_an_object_is_replaced_only_by_who_has_read_it(bucket: Bucket) -> None:
    bucket.put("a", b"first")
    seen = bucket.get("a")
    assert seen is not None
    assert bucket.replace("a", b"second", seen.etag)
    assert not bucket.replace("a", b"third", seen.etag)
    assert read(bucket, "a") == b"second"
    bucket.delete(["a"])
    assert not bucket.replace("a", b"fourth", seen.etag)
    assert not bucket.exists("a")


def test_a_copy_has_the_bytes_and_the_type_of_its_source(client: S3Client, bucket: Bucket) -> None:
    bucket.put("höhe 1+2/a.json", b"{}")
    assert bucket.copy("höhe 1+2/a.json", "b/a.json")
    assert not bucket.copy("none", "b/none")
    assert read(bucket, "b/a.json") == b"{}"
    copy = client.head_object(Bucket="results", Key="b/a.json")
    assert copy["ContentType"] == "application/json"


def test_all_keys_are_listed_and_deleted(bucket: Bucket) -> None:
    keys = [f"p/{number}" for number in range(5)]
    for key in [*keys, "q/0"]:
        bucket.put(key, b"")
    assert bucket.keys("p/") == keys
    bucket.delete([*keys, "p/none"])
    assert bucket.keys("") == ["q/0"]


def test_an_object_is_stored_with_its_sha256(client: S3Client, bucket: Bucket) -> None:
    bucket.put("a.jpg", b"pixels")
    stored = client.head_object(Bucket="results", Key="a.jpg", ChecksumMode="ENABLED")
    assert stored["ChecksumSHA256"] == base64.b64encode(hashlib.sha256(b"pixels").digest()).decode()
    assert stored["ContentType"] == "image/jpeg"
