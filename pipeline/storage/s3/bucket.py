"""Read, write and list the objects of a bucket of results."""

from __future__ import annotations

import base64
import mimetypes
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import urlencode

from botocore.exceptions import ClientError

from pipeline.resources.deadline import Deadline
from pipeline.storage.s3.client import s3_client
from pipeline.storage.s3.errors import error_code
from pipeline.storage.s3.multipart import MISSING, MultipartUpload, SourceGoneError, block_writer
from pipeline.storage.s3.retries import TRY_SECONDS, Retries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ListObjectsV2OutputTypeDef

    from pipeline.storage.archive_writer import WriteBlock
    from pipeline.storage.source import ByteRange

T = TypeVar("T")

_BEYOND_THE_END = "InvalidRange"
_CONDITION_FAILED = {"412", "PreconditionFailed"}
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
_DELETED_AT_ONCE = 1000

# A larger object is copied in parts, several at a time, which takes less time. From 5 GB on it must
# be: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
LARGEST_COPY_BYTES = 1_000_000_000
COPIED_PART_BYTES = 250_000_000

# Small files are usual; the limits leave time for large ones.
_GET_SECONDS = 60.0
_COPY_SECONDS = 120.0
_LEAST_BYTES_A_SECOND = 140_000


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


class Bucket:
    """A bucket of results. Each request is tried again while there is time.

    A conditional request whose answer is lost may have been carried out. `create` and `replace`
    then return False when they try again. Read the object to see whose it is.

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
        self._source_owner: dict[str, Any] = {}
        if owner is not None:
            self._bucket["ExpectedBucketOwner"] = owner
            self._source_owner["ExpectedSourceBucketOwner"] = owner

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

        return self._call(_or_false(MISSING, request), key)

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

    def put(self, key: str, data: bytes, tags: Mapping[str, str] | None = None) -> None:
        """Write an object, whether or not it exists.

        Args:
            key: its key.
            data: its bytes.
            tags: its tags, by which lifecycle rules can select it. Needs s3:PutObjectTagging.
        """
        tagging = {"Tagging": urlencode(tags)} if tags else {}
        self._call(partial(self._put, key, data, **tagging), key, _put_seconds(data))

    def block_writer(self, key: str) -> AbstractContextManager[WriteBlock]:
        """Yield a function that writes the next block of an object of any size.

        See `multipart.block_writer`. Whether or not the object exists does not matter.
        """
        return block_writer(partial(self.put, key), partial(self._multipart, key))

    def create(self, key: str, data: bytes) -> bool:
        """Write an object that does not exist; return False if it exists."""

        def request() -> bool:
            self._put(key, data, IfNoneMatch="*")
            return True

        return self._call(_or_false(_CONDITION_FAILED, request), key, _put_seconds(data))

    def replace(self, key: str, data: bytes, etag: str) -> bool:
        """Write an object that has this ETag; return False if it has another one or is gone."""

        def request() -> bool:
            self._put(key, data, IfMatch=etag)
            return True

        failed = _CONDITION_FAILED | MISSING
        return self._call(_or_false(failed, request), key, _put_seconds(data))

    def copy(self, source_key: str, key: str) -> bool:
        """Copy an object by one request; return False if the source does not exist."""

        def request() -> bool:
            self._client.copy_object(
                **self._bucket,
                Key=key,
                CopySource={"Bucket": self.name, "Key": source_key},
                **self._source_owner,
            )
            return True

        return self._call(_or_false(MISSING, request), source_key, _COPY_SECONDS)

    def copy_large(self, source_key: str, key: str, size_bytes: int) -> bool:
        """Copy an object in parts; return False if the source does not exist.

        Args:
            source_key: the object.
            key: the key of the copy.
            size_bytes: the size of the object.
        """
        source = {
            "CopySource": {"Bucket": self.name, "Key": source_key},
            **self._source_owner,
        }
        try:
            with self._multipart(key) as upload:
                upload.add_copies(source, size_bytes, COPIED_PART_BYTES)
                upload.complete()
        except SourceGoneError:
            return False
        return True

    def delete(self, keys: Iterable[str]) -> None:
        """Delete objects. Those that do not exist are no error."""
        listed = list(keys)
        for start in range(0, len(listed), _DELETED_AT_ONCE):
            group = listed[start : start + _DELETED_AT_ONCE]
            self._call(partial(self._delete, group), group[0])

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

    def _multipart(self, key: str) -> MultipartUpload:
        return MultipartUpload(
            self._client, self._bucket, key, _content_type(key), partial(self._call, key=key)
        )

    def _put(self, key: str, data: bytes, **options: str) -> None:
        arguments: dict[str, Any] = {"ContentType": _content_type(key), **options}
        self._client.put_object(
            **self._bucket, Key=key, Body=data, ChecksumAlgorithm="SHA256", **arguments
        )

    def _delete(self, keys: list[str]) -> None:
        answer = self._client.delete_objects(
            **self._bucket, Delete={"Objects": [{"Key": key} for key in keys], "Quiet": True}
        )
        for error in answer.get("Errors", []):
            message = f"{error.get('Key')}: {error.get('Message', '')}"
            raise ClientError(
                {"Error": {"Code": error.get("Code", ""), "Message": message}}, "DeleteObjects"
            )


def _content_type(key: str) -> str:
    return mimetypes.guess_type(key)[0] or "application/octet-stream"


def _put_seconds(data: bytes) -> float:
    return TRY_SECONDS + len(data) / _LEAST_BYTES_A_SECOND


def _or_false(codes: set[str], request: Callable[[], bool]) -> Callable[[], bool]:
    """Return a request that returns False when S3 answers with one of these codes."""

    def guarded() -> bool:
        try:
            return request()
        except ClientError as error:
            if error_code(error) in codes:
                return False
            raise

    return guarded
