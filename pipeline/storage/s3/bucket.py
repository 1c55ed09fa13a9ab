"""Write, copy and delete the objects of a bucket of results."""

from __future__ import annotations

import mimetypes
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from botocore.exceptions import ClientError

from pipeline.storage.s3.bucket_reader import BucketReader, or_false
from pipeline.storage.s3.multipart import MISSING, MultipartUpload, SourceGoneError, block_writer
from pipeline.storage.s3.retries import TRY_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from contextlib import AbstractContextManager

    from pipeline.storage.archive_writer import WriteBlock

_CONDITION_FAILED = {"412", "PreconditionFailed"}
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
_DELETED_AT_ONCE = 1000

# A larger object is copied in parts, several at a time, which takes less time. From 5 GB on it must
# be: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
LARGEST_COPY_BYTES = 1_000_000_000
COPIED_PART_BYTES = 250_000_000

# Small files are usual; the limits leave time for large ones.
_COPY_SECONDS = 120.0
_LEAST_BYTES_A_SECOND = 140_000


class Bucket(BucketReader):
    """A bucket of results, to read, list and write. Each request is tried again if there is time.

    A conditional request whose answer is lost may have been carried out. `create` and `replace`
    then return False when they try again. Read the object to see whose it is.

    All methods raise:
        BrokenError: S3 refuses the request, or the bucket belongs to another account.
        RetryableError: S3 failed until no try or time was left.
    """

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

        return self._call(or_false(_CONDITION_FAILED, request), key, _put_seconds(data))

    def replace(self, key: str, data: bytes, etag: str) -> bool:
        """Write an object that has this ETag; return False if it has another one or is gone."""

        def request() -> bool:
            self._put(key, data, IfMatch=etag)
            return True

        failed = _CONDITION_FAILED | MISSING
        return self._call(or_false(failed, request), key, _put_seconds(data))

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

        return self._call(or_false(MISSING, request), source_key, _COPY_SECONDS)

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

    @property
    def _source_owner(self) -> dict[str, Any]:
        owner = self._bucket.get("ExpectedBucketOwner")
        return {} if owner is None else {"ExpectedSourceBucketOwner": owner}

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
