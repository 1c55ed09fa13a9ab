"""Objects in parts in the S3 of moto: written from blocks, copied, and removed after an error."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from pipeline.errors import BrokenError
from pipeline.storage.s3 import bucket as bucket_module
from pipeline.storage.s3 import multipart as multipart_module
from pipeline.storage.s3.bucket import Bucket
from pipeline.storage.source import ByteRange
from tests.support.s3_retries import quick_retries

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PART = 5 * 1024 * 1024


@pytest.fixture
def bucket(client: S3Client) -> Bucket:
    return Bucket(client, "results", "123456789012", quick_retries())


def uploads(client: S3Client) -> int:
    """Return the number of uploads that were begun and not ended."""
    return len(client.list_multipart_uploads(Bucket="results").get("Uploads", []))


def write_blocks(bucket: Bucket, key: str, blocks: Iterable[bytes]) -> None:
    """Write an object of blocks."""
    with bucket.block_writer(key) as write:
        for block in blocks:
            write(block)


def test_blocks_become_one_object(client: S3Client, bucket: Bucket) -> None:
    blocks = [b"a" * PART, b"b" * PART, b"end"]
    write_blocks(bucket, "x/archive.zip", iter(blocks))
    stored = client.get_object(Bucket="results", Key="x/archive.zip")
    assert stored["Body"].read() == b"".join(blocks)
    assert stored["ContentType"] == "application/zip"
    assert uploads(client) == 0


@pytest.mark.parametrize("blocks", [[], [b"data"]])
def test_one_block_needs_no_parts(
    client: S3Client, bucket: Bucket, monkeypatch: pytest.MonkeyPatch, blocks: list[bytes]
) -> None:
    monkeypatch.delattr(type(client), "create_multipart_upload")
    write_blocks(bucket, "archive.zip", blocks)
    assert client.get_object(Bucket="results", Key="archive.zip")["Body"].read() == b"".join(blocks)


def test_an_error_between_blocks_leaves_no_object_and_no_parts(
    client: S3Client, bucket: Bucket
) -> None:
    def blocks() -> Iterator[bytes]:
        yield b"a" * PART
        raise OSError

    with pytest.raises(OSError):  # noqa: PT011 - whatever the source raises
        write_blocks(bucket, "archive.zip", blocks())
    assert not bucket.exists("archive.zip")
    assert uploads(client) == 0


def test_an_object_of_too_many_parts_is_refused_with_what_to_do(
    client: S3Client, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(multipart_module, "_MOST_PARTS", 2)
    with pytest.raises(BrokenError, match=r"s3://results/archive\.zip .* output\.archive to none"):
        write_blocks(bucket, "archive.zip", [b"a" * PART] * 3)
    assert not bucket.exists("archive.zip")
    assert uploads(client) == 0


def test_a_part_of_an_object_is_read(bucket: Bucket) -> None:
    bucket.put("a", b"0123456789")
    for part, data in (((3, 4), b"3456"), ((8, 4), b"89"), ((20, 4), b"")):
        found = bucket.get("a", ByteRange(*part))
        assert found is not None
        assert found.data == data
    assert bucket.get("none", ByteRange(3, 4)) is None


def test_a_large_object_is_copied_in_parts(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket_module, "COPIED_PART_BYTES", PART)
    data = b"a" * PART + b"b" * PART + b"end"
    bucket.put("from", data)
    assert bucket.copy_large("from", "to", len(data))
    copied = bucket.get("to")
    assert copied is not None
    assert copied.data == data


def test_a_large_object_that_is_gone_is_not_copied(client: S3Client, bucket: Bucket) -> None:
    assert not bucket.copy_large("from", "to", 10**9)
    assert not bucket.exists("to")
    assert uploads(client) == 0


def lost_answer(client: S3Client, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Make the first answer to the completion of an upload get lost; return the tries."""
    complete, tries = client.complete_multipart_upload, []

    def once_lost(**arguments: object) -> object:
        tries.append(str(arguments["Key"]))
        answer = complete(**arguments)  # type: ignore[arg-type]
        if len(tries) == 1:
            raise ClientError({"Error": {"Code": "InternalError"}}, "CompleteMultipartUpload")
        return answer

    monkeypatch.setattr(client, "complete_multipart_upload", once_lost)
    return tries


def test_a_lost_answer_to_the_completion_is_no_failure(
    client: S3Client, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = lost_answer(client, monkeypatch)
    write_blocks(bucket, "archive.zip", [b"a" * PART, b"end"])
    assert bucket.exists("archive.zip")
    assert len(tries) == 2


def test_an_upload_that_is_gone_without_an_object_is_an_error(
    client: S3Client, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(**_: object) -> None:
        raise ClientError({"Error": {"Code": "NoSuchUpload"}}, "CompleteMultipartUpload")

    monkeypatch.setattr(client, "complete_multipart_upload", gone)
    with pytest.raises(BrokenError, match="NoSuchUpload"):
        write_blocks(bucket, "archive.zip", [b"a" * PART, b"end"])
    assert not bucket.exists("archive.zip")
