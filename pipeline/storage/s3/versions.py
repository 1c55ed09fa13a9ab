"""List, read and delete all versions of objects, also in buckets without versions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from botocore.exceptions import ClientError

from pipeline.storage.s3.errors import error_code
from pipeline.storage.s3.retries import TRY_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ListObjectVersionsOutputTypeDef

    from pipeline.storage.s3.retries import Retries

T = TypeVar("T")

NO_VERSION = "null"
"""The version id that S3 gives to objects of buckets without versions."""

_MISSING = {"404", "NoSuchKey", "NoSuchVersion"}
_DELETED_AT_ONCE = 1000
_READ_SECONDS = 60.0
# DeleteObjects names its keys in XML 1.0, which cannot hold these characters.
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


@dataclass(frozen=True)
class ObjectVersion:
    """One version of one object, or the mark that S3 left when the object was deleted.

    Attributes:
        key: the object.
        version_id: its version; `null` in a bucket without versions.
        etag: its ETag without quotes; empty for a delete marker.
        size_bytes: its size; 0 for a delete marker.
        storage_class: such as `STANDARD` or `GLACIER`; empty for a delete marker.
        is_latest: whether the key stands for this version.
        is_marker: whether it is a delete marker.
    """

    key: str
    version_id: str
    etag: str
    size_bytes: int
    storage_class: str
    is_latest: bool
    is_marker: bool


@dataclass
class Total:
    """Number and size of versions. Delete markers do not count.

    Attributes:
        objects: number of versions.
        size_bytes: their total size.
    """

    objects: int = 0
    size_bytes: int = 0

    def counting(self, versions: Iterable[ObjectVersion]) -> Iterator[ObjectVersion]:
        """Yield versions, and add each to this total."""
        for version in versions:
            self.objects += not version.is_marker
            self.size_bytes += version.size_bytes
            yield version


class VersionedBucket:
    """A bucket with all versions of its objects. Each request is tried again if it failed.

    All methods raise:
        BrokenError: S3 refuses the request.
        RetryableError: S3 failed until no try was left.
    """

    def __init__(self, client: S3Client, name: str, retries: Retries) -> None:
        """Describe a bucket; nothing is requested."""
        self._client = client
        self._retries = retries
        self.name = name

    def uri(self, key: str) -> str:
        """Return `s3://bucket/key`."""
        return f"s3://{self.name}/{key}"

    def versions(self, prefix: str, *, after: str | None = None) -> Iterator[ObjectVersion]:
        """Yield all versions of all keys with a prefix, key by key in the order of their UTF-8.

        The versions of one key begin with the newest one. Each page of 1,000 is requested when it
        is needed.

        Args:
            prefix: the beginning of the keys.
            after: the keys that are not greater than this one are left out; None: none.
        """
        marker = {} if after is None else {"KeyMarker": after}
        for answer in self._pages(prefix, marker):
            for version in _in_order(answer):
                if after is None or version.key.encode() > after.encode():
                    yield version

    def folders(self, prefix: str) -> Iterator[str]:
        """Yield the folders right below a prefix that hold any version, with a slash at the end."""
        for answer in self._pages(prefix, {}, Delimiter="/"):
            yield from (entry["Prefix"] for entry in answer.get("CommonPrefixes", []))

    def read(self, version: ObjectVersion) -> bytes | None:
        """Return the content of a version; None if it is gone."""

        def request() -> bytes | None:
            try:
                answer = self._client.get_object(
                    Bucket=self.name, Key=version.key, VersionId=version.version_id
                )
            except ClientError as error:
                if error_code(error) in _MISSING:
                    return None
                raise
            return answer["Body"].read()

        return self._call(request, version.key, _READ_SECONDS)

    def put(self, key: str, data: bytes) -> str:
        """Write an object; return the id of its new version."""

        def request() -> str:
            answer = self._client.put_object(
                Bucket=self.name,
                Key=key,
                Body=data,
                ContentType="application/json",
                ChecksumAlgorithm="SHA256",
            )
            return answer.get("VersionId") or NO_VERSION

        return self._call(request, key)

    def delete(self, versions: Iterable[ObjectVersion]) -> None:
        """Delete versions for ever, in their order. Those that are gone are no error."""
        group: list[ObjectVersion] = []
        for version in versions:
            if _NOT_IN_XML.search(version.key):
                self._call(partial(self._delete_one, version), version.key)
                continue
            group.append(version)
            if len(group) == _DELETED_AT_ONCE:
                self._delete_group(group)
                group = []
        if group:
            self._delete_group(group)

    def _pages(
        self, prefix: str, marker: dict[str, str], **options: str
    ) -> Iterator[ListObjectVersionsOutputTypeDef]:
        while True:
            arguments: dict[str, Any] = {"Bucket": self.name, "Prefix": prefix, **options, **marker}
            request = partial(self._client.list_object_versions, **arguments)
            answer = self._call(request, prefix)
            yield answer
            if not answer["IsTruncated"]:
                return
            marker = {"KeyMarker": answer["NextKeyMarker"]}
            if answer.get("NextVersionIdMarker"):
                marker["VersionIdMarker"] = answer["NextVersionIdMarker"]

    def _delete_group(self, group: list[ObjectVersion]) -> None:
        self._call(partial(self._delete, group), group[0].key)

    def _delete(self, group: list[ObjectVersion]) -> None:
        named = [{"Key": each.key, "VersionId": each.version_id} for each in group]
        objects: Any = {"Objects": named, "Quiet": True}
        answer = self._client.delete_objects(Bucket=self.name, Delete=objects)
        for error in answer.get("Errors", []):
            message = f"{error.get('Key')}: {error.get('Message', '')}"
            raise ClientError(
                {"Error": {"Code": error.get("Code", ""), "Message": message}}, "DeleteObjects"
            )

    def _delete_one(self, version: ObjectVersion) -> None:
        self._client.delete_object(Bucket=self.name, Key=version.key, VersionId=version.version_id)

    def _call(self, request: Callable[[], T], key: str, try_seconds: float = TRY_SECONDS) -> T:
        return self._retries.call(request, self.uri(key), "write", try_seconds=try_seconds)


def _in_order(answer: ListObjectVersionsOutputTypeDef) -> list[ObjectVersion]:
    """Return versions and delete markers of a page, by key.

    S3 lists both kinds apart. Within a key the order of each kind is kept, and the latest is first.
    """
    found = [
        ObjectVersion(
            key=entry["Key"],
            version_id=entry["VersionId"],
            etag=entry["ETag"].strip('"'),
            size_bytes=entry["Size"],
            storage_class=entry.get("StorageClass", "STANDARD"),
            is_latest=entry["IsLatest"],
            is_marker=False,
        )
        for entry in answer.get("Versions", [])
    ]
    found += [
        ObjectVersion(
            key=entry["Key"],
            version_id=entry["VersionId"],
            etag="",
            size_bytes=0,
            storage_class="",
            is_latest=entry["IsLatest"],
            is_marker=True,
        )
        for entry in answer.get("DeleteMarkers", [])
    ]
    return sorted(found, key=lambda version: (version.key.encode(), not version.is_latest))
