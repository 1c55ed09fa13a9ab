"""Read and list the objects of a bucket of results."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Self, TypeVar

from botocore.exceptions import ClientError

from pipeline.resources.deadline import Deadline
from pipeline.storage.s3.client import s3_client
from pipeline.storage.s3.errors import error_code
from pipeline.storage.s3.multipart import MISSING
from pipeline.storage.s3.retries import TRY_SECONDS, Retries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ListObjectsV2OutputTypeDef

    from pipeline.storage.source import ByteRange

T = TypeVar("T")

_BEYOND_THE_END = "InvalidRange"
# Small files are usual; the limit leaves time for large ones.
_GET_SECONDS = 60.0


@dataclass(frozen=True)
class StoredObject:
    """An object as it was read.

    Attributes:
        data: its bytes, or those of the part that was asked for.
        etag: its ETag, for `Bucket.replace`.
    """

    data: bytes
    etag: str


@dataclass(frozen=True)
class ObjectFacts:
    """What S3 says of an object without its bytes.

    Attributes:
        size_bytes: its size.
        sha256: digest of its content, in hex, as it was sent when the object was written.
    """

    size_bytes: int
    sha256: str


class BucketReader:
    """A bucket of results, to read and list. Each request is tried again while there is time.

    All methods raise:
        BrokenError: S3 refuses the request, or the bucket belongs to another account.
        RetryableError: S3 failed until no try or time was left.
    """

    def __init__(self, client: S3Client, name: str, owner: str | None, retries: Retries) -> None:
        """Describe a bucket; nothing is requested.

        Args:
            client: an S3 client that does not try again itself.
            name: the bucket's name.
            owner: the account that must own the bucket; None: any.
            retries: the ladder for all requests.
        """
        self._client = client
        self._retries = retries
        self.name = name
        self._bucket: dict[str, Any] = {"Bucket": name}
        if owner is not None:
            self._bucket["ExpectedBucketOwner"] = owner

    @classmethod
    def for_command(cls, name: str) -> Self:
        """Describe a bucket for a person's command: of any account, and without a deadline.

        Args:
            name: the bucket's name.
        """
        return cls(s3_client(), name, None, Retries(Deadline.never()))

    def uri(self, key: str) -> str:
        """Return `s3://bucket/key`."""
        return f"s3://{self.name}/{key}"

    def get(self, key: str, part: ByteRange | None = None) -> StoredObject | None:
        """Return an object, or a part of it; None if it does not exist.

        A part is shorter, or empty, if the object ends within or before it.
        """
        wanted: dict[str, Any] = {} if part is None else {"Range": part.header}

        def request() -> StoredObject | None:
            try:
                answer = self._client.get_object(**self._bucket, Key=key, **wanted)
            except ClientError as error:
                if error_code(error) in MISSING:
                    return None
                if error_code(error) == _BEYOND_THE_END:
                    return StoredObject(b"", "")
                raise
            return StoredObject(answer["Body"].read(), answer["ETag"])

        return self._call(request, key, _GET_SECONDS)

    def exists(self, key: str) -> bool:
        """Tell whether an object exists. It does not in a bucket that does not exist either."""

        def request() -> bool:
            self._client.head_object(**self._bucket, Key=key)
            return True

        return self._call(or_false(MISSING, request), key)

    def head(self, key: str) -> ObjectFacts | None:
        """Return size and digest of an object that `put` or `create` wrote; None if it is gone."""

        def request() -> ObjectFacts | None:
            try:
                answer = self._client.head_object(**self._bucket, Key=key, ChecksumMode="ENABLED")
            except ClientError as error:
                if error_code(error) in MISSING:
                    return None
                raise
            digest = base64.b64decode(answer["ChecksumSHA256"]).hex()
            return ObjectFacts(answer["ContentLength"], digest)

        return self._call(request, key)

    def keys(self, prefix: str) -> list[str]:
        """Return the keys that begin with a prefix, in the order of their UTF-8 bytes."""
        pages = self._pages(prefix)
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def folders(self, prefix: str) -> Iterator[str]:
        """Yield the prefixes, up to the next slash, of the keys that begin with a prefix."""
        for answer in self._pages(prefix, Delimiter="/"):
            for each in answer.get("CommonPrefixes", []):
                yield each["Prefix"]

    def entries_and_folders(
        self, prefix: str, delimiter: str
    ) -> Iterator[tuple[str, float | None]]:
        """Yield keys, and each folder whose path ends with the delimiter instead of its keys.

        A folder counts as one key of the 1,000 of a page, however many objects are in it. Each page
        is requested when it is needed.

        Yields:
            A key and its time of change in seconds since 1970, or the path of a folder and None.
        """
        for page in self._pages(prefix, Delimiter=delimiter):
            for entry in page.get("Contents", []):
                yield entry["Key"], entry["LastModified"].timestamp()
            for folder in page.get("CommonPrefixes", []):
                yield folder["Prefix"], None

    def _pages(self, prefix: str, **options: str) -> Iterator[ListObjectsV2OutputTypeDef]:
        arguments: dict[str, Any] = {**self._bucket, "Prefix": prefix, **options}
        while True:
            answer = self._call(partial(self._client.list_objects_v2, **arguments), prefix)
            yield answer
            if not answer["IsTruncated"]:
                return
            arguments["ContinuationToken"] = answer["NextContinuationToken"]

    def _call(self, request: Callable[[], T], key: str, try_seconds: float = TRY_SECONDS) -> T:
        # Not even a failed read in a bucket of results says that a video was superseded.
        return self._retries.call(request, self.uri(key), "write", try_seconds=try_seconds)


def or_false(codes: set[str], request: Callable[[], bool]) -> Callable[[], bool]:
    """Return a request that returns False when S3 answers with one of these codes."""

    def guarded() -> bool:
        try:
            return request()
        except ClientError as error:
            if error_code(error) in codes:
                return False
            raise

    return guarded
