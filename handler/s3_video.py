"""Videos from S3, read where they are."""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from handler.ranged import BLOCK_BYTES, RangedReader
from handler.s3 import told
from pipeline.errors import RetryableError, SupersededError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

    from handler.events import Job
    from pipeline.stream import ByteStream

# botocore tries requests again; a body that breaks off is ours to ask for again.
_ATTEMPTS = 4


@dataclass(frozen=True)
class S3Video:
    """One version of one object.

    Attributes:
        bucket, key: where it is.
        version_id: its version in a versioned bucket; None elsewhere.
        etag: without quotes; every request is pinned to it.
        modified: when this version was made, UTC.
        size: in bytes.
        head: its first block.
        client: to read the others with.
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
    def of(cls, job: Job, client: S3Client) -> S3Video:
        """Ask for the object that a job names: what it is, and its first block.

        Raises:
            SupersededError: it was deleted, or is another one by now.
            BrokenError, RetryableError: S3 would not give it.
        """
        place = _place(job.bucket, job.key, job.version_id)
        with told(job.uri):
            try:
                answer = client.get_object(**place, Range=f"bytes=0-{BLOCK_BYTES - 1}")
                head, size = _body(answer, 0, BLOCK_BYTES)
            except ClientError as error:
                if error.response["Error"]["Code"] != "InvalidRange":
                    raise
                # An empty object has no first byte to ask for.
                answer = client.get_object(**place)
                head, size = b"", 0
        etag = answer["ETag"].strip('"')
        if job.version_id is None and job.etag is not None and job.etag != etag:
            raise SupersededError(f"{job.uri} was replaced before it was read.")
        return cls(
            bucket=job.bucket,
            key=job.key,
            version_id=job.version_id,
            etag=etag,
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
        """Bucket, key, and version or ETag."""
        pin = {"version_id": self.version_id} if self.version_id else {"etag": self.etag}
        return {"bucket": self.bucket, "key": self.key, **pin}

    @contextmanager
    def open(self) -> Iterator[ByteStream]:
        """Lend a stream of this very version; what its reads raise is what `of` raises."""
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
        place = _place(self.bucket, self.key, self.version_id)
        with told(self.uri):
            answer = self.client.get_object(
                **place, Range=f"bytes={start}-{end - 1}", IfMatch=f'"{self.etag}"'
            )
            data, _ = _body(answer, start, end)
        if len(data) != end - start:
            raise RetryableError(
                f"S3 sent {len(data)} bytes of {self.uri} where {end - start} were asked for."
            )
        return data


def _place(bucket: str, key: str, version_id: str | None) -> dict[str, Any]:
    place = {"Bucket": bucket, "Key": key}
    return place if version_id is None else {**place, "VersionId": version_id}


def _body(answer: GetObjectOutputTypeDef, start: int, end: int) -> tuple[bytes, int]:
    """Return the bytes that were asked for, and the whole object's size."""
    data = answer["Body"].read()
    if "ContentRange" in answer:
        return data, int(answer["ContentRange"].rpartition("/")[2])
    # A server may ignore ranges and send all: https://www.rfc-editor.org/rfc/rfc9110#section-14.2
    return data[start:end], len(data)
