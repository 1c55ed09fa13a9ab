"""Read a video from S3 where it lies, without a copy."""

from __future__ import annotations

from concurrent.futures import CancelledError
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from threading import Event
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from pipeline.errors import RetryableError, SupersededError
from pipeline.resources.deadline import Deadline
from pipeline.storage.s3.client import s3_client
from pipeline.storage.s3.errors import error_code
from pipeline.storage.s3.ranged_reader import BLOCK_BYTES, RangedReader
from pipeline.storage.s3.retries import Retries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

    from pipeline.storage.source import ByteStream

# The id of an object in a bucket without versions, and of one that was written while versioning was
# suspended. The next object with the key takes the same id.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/VersioningConcepts.html
_NO_VERSION = "null"


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
        retries: the ladder for each block.
    """

    bucket: str
    key: str
    version_id: str | None
    etag: str
    modified: datetime
    size: int
    head: bytes = field(repr=False)
    client: S3Client = field(repr=False)
    retries: Retries = field(repr=False)

    @classmethod
    def find(  # noqa: PLR0913 - what an event says of an object
        cls,
        client: S3Client,
        bucket: str,
        key: str,
        *,
        version_id: str | None = None,
        etag: str | None = None,
        retries: Retries,
    ) -> S3Video:
        """Request an object's properties and its first block.

        Args:
            client: an S3 client.
            bucket: the bucket.
            key: the key, as it is in S3.
            version_id: the version; None: the current one, to which all later requests then keep.
            etag: the ETag that the object must have, without quotes; None: any. Ignored if a
                version is given, which never changes.
            retries: the ladder for this request and those for other blocks.

        Raises:
            SupersededError: the object was deleted, or replaced by another one.
            BrokenError, RetryableError: S3 did not return it.
        """
        uri = f"s3://{bucket}/{key}"
        version = _real_version(version_id)
        arguments = _object_arguments(bucket, key, version)

        def first_block() -> tuple[GetObjectOutputTypeDef, bytes, int]:
            try:
                answer = client.get_object(**arguments, Range=f"bytes=0-{BLOCK_BYTES - 1}")
            except ClientError as error:
                if error_code(error) != "InvalidRange":
                    raise
                # An empty object has no first byte, so S3 refuses the range.
                answer = client.get_object(**arguments)
            return answer, *_body(answer, uri, 0, BLOCK_BYTES)

        answer, head, size = retries.call(first_block, uri, "read")
        found_etag = answer["ETag"].strip('"')
        if version is None and etag is not None and etag != found_etag:
            raise SupersededError(f"{uri} was replaced before it was read.")
        return cls(
            bucket=bucket,
            key=key,
            version_id=_real_version(answer.get("VersionId")),
            etag=found_etag,
            modified=answer["LastModified"],
            size=size,
            head=head,
            client=client,
            retries=retries,
        )

    def __reduce__(self) -> tuple[Callable[..., S3Video], tuple[str | None, ...]]:
        """Return how the video is found again in another process of a command."""
        return _found_again, (self.bucket, self.key, self.version_id, self.etag)

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
        """Bucket, key, ETag, and the version id if there is one."""
        version = {"version_id": self.version_id} if self.version_id else {}
        return {"bucket": self.bucket, "key": self.key, "etag": self.etag, **version}

    def is_current_version(self) -> bool:
        """Tell whether the key still stands for this version.

        Raises:
            BrokenError, RetryableError: S3 did not say.
        """
        try:
            answer = self.retries.call(
                lambda: self.client.head_object(Bucket=self.bucket, Key=self.key), self.uri, "read"
            )
        except SupersededError:
            return False
        found = answer["ETag"].strip('"'), _real_version(answer.get("VersionId"))
        return found == (self.etag, self.version_id)

    @contextmanager
    def open(self) -> Iterator[ByteStream]:
        """Open a stream of this version. Its reads raise the same errors as `find`."""
        is_closed = Event()

        def fetch(start: int, end: int) -> bytes:
            return self._range(start, end, is_closed)

        with closing(RangedReader(fetch, self.size, self.head)) as reader:
            try:
                yield reader
            finally:
                is_closed.set()

    def _range(self, start: int, end: int, is_closed: Event) -> bytes:
        arguments = _object_arguments(self.bucket, self.key, self.version_id)

        def block() -> bytes:
            if is_closed.is_set():  # a block that was read ahead is not wanted any more
                raise CancelledError
            answer = self.client.get_object(
                **arguments, Range=f"bytes={start}-{end - 1}", IfMatch=f'"{self.etag}"'
            )
            data, _ = _body(answer, self.uri, start, end)
            return data

        return self.retries.call(block, self.uri, "read")


def _found_again(bucket: str, key: str, version_id: str | None, etag: str) -> S3Video:
    retries = Retries(Deadline.never())
    return S3Video.find(s3_client(), bucket, key, version_id=version_id, etag=etag, retries=retries)


def _real_version(version_id: str | None) -> str | None:
    """Return a version id that stands for one content for ever; else None."""
    return None if version_id == _NO_VERSION else version_id


def _object_arguments(bucket: str, key: str, version_id: str | None) -> dict[str, Any]:
    arguments = {"Bucket": bucket, "Key": key}
    return arguments if version_id is None else {**arguments, "VersionId": version_id}


def _body(answer: GetObjectOutputTypeDef, uri: str, start: int, end: int) -> tuple[bytes, int]:
    """Return the requested bytes, and the size of the whole object.

    Raises:
        RetryableError: the body is shorter or longer than the range.
    """
    data = answer["Body"].read()
    if "ContentRange" in answer:
        size = int(answer["ContentRange"].rpartition("/")[2])
    else:
        # A server may ignore the range and send everything: https://www.rfc-editor.org/rfc/rfc9110#section-14.2
        size = answer["ContentLength"]
        data = data[start:end]
    expected = min(end, size) - start
    if len(data) != expected:
        raise RetryableError(
            f"S3 sent {len(data)} bytes of {uri}; {expected} were requested. It is tried again."
        )
    return data, size
