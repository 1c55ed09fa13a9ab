"""Read a video from S3 where it lies, without a copy."""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from pipeline.errors import RetryableError, SupersededError
from pipeline.storage.s3.client import translate_s3_errors
from pipeline.storage.s3.ranged_reader import BLOCK_BYTES, RangedReader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

    from pipeline.storage.source import ByteStream

# botocore retries requests, but not a body that breaks off.
_ATTEMPTS = 4


@dataclass(frozen=True)
class S3Video:
    """One version of one object.

    Attributes:
        bucket, key: the object.
        version_id: its version in a versioned bucket; None elsewhere.
        etag: its ETag without quotes. Each request demands this ETag.
        modified: when this version was made, in UTC.
        size: size in bytes.
        head: its first block.
        client: the client that reads the other blocks.
    """

    bucket: str
    key: str
    version_id: str | None
    etag: str
    modified: datetime
    size: int
    head: bytes = field(repr=False)
    client: S3Client = field(repr=False)

    @classmethod
    def find(
        cls,
        client: S3Client,
        bucket: str,
        key: str,
        *,
        version_id: str | None = None,
        etag: str | None = None,
    ) -> S3Video:
        """Request an object's properties and its first block.

        Args:
            client: an S3 client.
            bucket: the bucket.
            key: the key, as it is in S3.
            version_id: the version; None: the current one.
            etag: the ETag that the object must have, without quotes; None: any. Ignored if a
                version is given.

        Raises:
            SupersededError: the object was deleted, or replaced by another one.
            BrokenError, RetryableError: S3 did not return it.
        """
        uri = f"s3://{bucket}/{key}"
        arguments = _object_arguments(bucket, key, version_id)
        with translate_s3_errors(uri):
            try:
                answer = client.get_object(**arguments, Range=f"bytes=0-{BLOCK_BYTES - 1}")
                head, size = _body(answer, 0, BLOCK_BYTES)
            except ClientError as error:
                if error.response["Error"]["Code"] != "InvalidRange":
                    raise
                # An empty object has no first byte, so S3 refuses the range.
                answer = client.get_object(**arguments)
                head, size = b"", 0
        found_etag = answer["ETag"].strip('"')
        if version_id is None and etag is not None and etag != found_etag:
            raise SupersededError(f"{uri} was replaced before it was read.")
        return cls(
            bucket=bucket,
            key=key,
            version_id=version_id,
            etag=found_etag,
            modified=answer["LastModified"],
            size=size,
            head=head,
            client=client,
        )

    @property
    def uri(self) -> str:
        """`s3://bucket/key`."""
        return f"s3://{self.bucket}/{self.key}"

    @property
    def name(self) -> str:
        """The key."""
        return self.key

    @property
    def identity(self) -> dict[str, str]:
        """Bucket, key, and version id or ETag."""
        pin = {"version_id": self.version_id} if self.version_id else {"etag": self.etag}
        return {"bucket": self.bucket, "key": self.key, **pin}

    @contextmanager
    def open(self) -> Iterator[ByteStream]:
        """Open a stream of this version. Its reads raise the same errors as `find`."""
        with closing(RangedReader(self._range, self.size, self.head)) as reader:
            yield reader

    def _range(self, start: int, end: int) -> bytes:
        for _ in range(_ATTEMPTS - 1):
            try:
                return self._range_once(start, end)
            except RetryableError:
                continue
        return self._range_once(start, end)

    def _range_once(self, start: int, end: int) -> bytes:
        arguments = _object_arguments(self.bucket, self.key, self.version_id)
        with translate_s3_errors(self.uri):
            answer = self.client.get_object(
                **arguments, Range=f"bytes={start}-{end - 1}", IfMatch=f'"{self.etag}"'
            )
            data, _ = _body(answer, start, end)
        if len(data) != end - start:
            raise RetryableError(
                f"S3 sent {len(data)} bytes of {self.uri}; {end - start} were requested. "
                "It is tried again."
            )
        return data


def _object_arguments(bucket: str, key: str, version_id: str | None) -> dict[str, Any]:
    arguments = {"Bucket": bucket, "Key": key}
    return arguments if version_id is None else {**arguments, "VersionId": version_id}


def _body(answer: GetObjectOutputTypeDef, start: int, end: int) -> tuple[bytes, int]:
    """Return the requested bytes, and the size of the whole object."""
    data = answer["Body"].read()
    if "ContentRange" in answer:
        return data, int(answer["ContentRange"].rpartition("/")[2])
    # A server may ignore the range and send everything: https://www.rfc-editor.org/rfc/rfc9110#section-14.2
    return data[start:end], len(data)
