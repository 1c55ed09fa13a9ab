"""A model of S3: objects, versions, atomic conditions, and faults.

Before each request takes effect, the scheduler may let other actors act, or kill this one.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

MODIFIED = datetime(2026, 1, 1, tzinfo=UTC)


class Fault(Enum):
    """What goes wrong with one request."""

    UNAVAILABLE = "503: nothing was done"
    THROTTLED = "SlowDown: nothing was done"
    RESET = "connection reset: nothing was done"
    ANSWER_LOST = "carried out, but the answer was lost"
    CONFLICT = "409 ConditionalRequestConflict: nothing was done"
    TRUNCATED = "the body of the answer was cut off"


@dataclass(frozen=True)
class Version:
    """One version of an object."""

    data: bytes
    version_id: str | None = None

    @property
    def etag(self) -> str:
        """The ETag with quotes, as S3 sends it."""
        return f'"{hashlib.md5(self.data, usedforsecurity=False).hexdigest()}"'


Step = Callable[[str], Fault | None]
"""Called with the name of each request before it takes effect. Other actors may act meanwhile."""


@dataclass
class S3Model:
    """The requests that pretag makes, with the signatures of boto3's client.

    Attributes:
        step: called with the request's name before it takes effect; returns a fault, or None.
        changed: called with each bucket and key that changed.
        buckets: for each bucket and key, the versions, oldest first; None is a delete marker.
        owner, owned: each request to these buckets must name this owner.
    """

    step: Step = lambda _name: None
    changed: Callable[[str, str], None] = lambda _bucket, _key: None
    buckets: dict[str, dict[str, list[Version | None]]] = field(default_factory=dict)
    owner: str = "123456789012"
    owned: set[str] = field(default_factory=set)

    def current(self, bucket: str, key: str) -> Version | None:
        """Return the current version of an object; None if it does not exist."""
        versions = self.buckets[bucket].get(key)
        return versions[-1] if versions else None

    def visible(self, bucket: str, prefix: str = "") -> dict[str, bytes]:
        """Return the content of all objects of a bucket, by key."""
        return {
            key: versions[-1].data
            for key, versions in sorted(self.buckets[bucket].items())
            if key.startswith(prefix) and versions[-1] is not None
        }

    # -- Requests ------------------------------------------------------------------------------

    def get_object(
        self, *, Bucket: str, Key: str, VersionId: str | None = None, IfMatch: str | None = None,
        Range: str | None = None, **_other: object,
    ) -> dict[str, Any]:  # fmt: skip
        """Return an object, or a range of it."""

        def take_effect() -> dict[str, Any]:
            found = self._find(Bucket, Key, VersionId, "GetObject")
            if IfMatch is not None and IfMatch != found.etag:
                raise _error("PreconditionFailed", 412, "GetObject")
            data, place = found.data, {}
            if Range is not None:
                first, last = map(int, Range.removeprefix("bytes=").split("-"))
                data = data[first : last + 1]
                end = first + len(data) - 1
                place = {"ContentRange": f"bytes {first}-{end}/{len(found.data)}"}
            return {
                **place,
                "Body": io.BytesIO(data),
                "ETag": found.etag,
                "LastModified": MODIFIED,
                "ContentLength": len(data),
                **({"VersionId": found.version_id} if found.version_id else {}),
            }

        answer: dict[str, Any] = self._request(Bucket, "get", take_effect, _other)
        return answer

    def head_object(self, *, Bucket: str, Key: str, **_other: object) -> dict[str, Any]:
        """Return what `get_object` returns, without the body."""

        def take_effect() -> dict[str, Any]:
            found = self.current(Bucket, Key)
            if found is None:
                raise _error("404", 404, "HeadObject")
            version = {"VersionId": found.version_id} if found.version_id else {}
            digest = base64.b64encode(hashlib.sha256(found.data).digest()).decode()
            size = len(found.data)
            return {
                "ETag": found.etag,
                "ContentLength": size,
                "ChecksumSHA256": digest,
                **version,
            }

        answer: dict[str, Any] = self._request(Bucket, "head", take_effect, _other)
        return answer

    def put_object(
        self, *, Bucket: str, Key: str, Body: bytes, IfNoneMatch: str | None = None,
        IfMatch: str | None = None, **_other: object,
    ) -> dict[str, Any]:  # fmt: skip
        """Write an object if the condition holds. S3 checks and writes in one step."""

        def take_effect() -> dict[str, Any]:
            now = self.current(Bucket, Key)
            if IfNoneMatch == "*" and now is not None:
                raise _error("PreconditionFailed", 412, "PutObject")
            if IfMatch is not None and now is None:
                raise _error("NoSuchKey", 404, "PutObject")
            if IfMatch is not None and now is not None and now.etag != IfMatch:
                raise _error("PreconditionFailed", 412, "PutObject")
            self.write(Bucket, Key, Version(Body))
            return {"ETag": Version(Body).etag}

        name = "put" if IfMatch is None and IfNoneMatch is None else "conditional put"
        answer: dict[str, Any] = self._request(Bucket, name, take_effect, _other)
        return answer

    def copy_object(
        self, *, Bucket: str, Key: str, CopySource: dict[str, str], **_other: object
    ) -> dict[str, Any]:
        """Copy an object inside the bucket."""

        def take_effect() -> dict[str, Any]:
            found = self.current(CopySource["Bucket"], CopySource["Key"])
            if found is None:
                raise _error("NoSuchKey", 404, "CopyObject")
            self.write(Bucket, Key, Version(found.data))
            return {}

        answer: dict[str, Any] = self._request(Bucket, "copy", take_effect, _other)
        return answer

    def delete_objects(self, *, Bucket: str, Delete: Any, **_other: object) -> dict[str, Any]:  # noqa: ANN401 - as boto3
        """Delete objects. Each is a step of its own: S3 does not delete them at once."""
        for entry in Delete["Objects"]:

            def take_effect(key: str = entry["Key"]) -> None:
                if self.buckets[Bucket].pop(key, None) is not None:
                    self.changed(Bucket, key)

            self._request(Bucket, "delete", take_effect, _other)
        return {}

    def list_objects_v2(self, *, Bucket: str, Prefix: str, **_other: object) -> dict[str, Any]:
        """List all keys with a prefix."""

        def take_effect() -> dict[str, Any]:
            keys = list(self.visible(Bucket, Prefix))
            return {"Contents": [{"Key": key} for key in keys], "IsTruncated": False}

        answer: dict[str, Any] = self._request(Bucket, "list", take_effect, _other)
        return answer

    # -- What tests do -------------------------------------------------------------------------

    def write(self, bucket: str, key: str, version: Version | None) -> None:
        """Write a version, or a delete marker."""
        is_versioned = version is not None and version.version_id is not None
        versions = self.buckets[bucket].get(key, []) if is_versioned or version is None else []
        self.buckets[bucket][key] = [*versions, version]
        self.changed(bucket, key)

    def _find(self, bucket: str, key: str, version_id: str | None, operation: str) -> Version:
        versions = self.buckets[bucket].get(key, [])
        if version_id is not None:
            matching = [found for found in versions if found and found.version_id == version_id]
            if not matching:
                raise _error("NoSuchVersion", 404, operation)
            return matching[0]
        if not versions or versions[-1] is None:
            raise _error("NoSuchKey", 404, operation)
        return versions[-1]

    def _request(
        self, bucket: str, name: str, take_effect: Callable[[], Any], other: dict[str, Any]
    ) -> Any:  # noqa: ANN401 - each request answers differently
        fault = self.step(name)
        if bucket in self.owned and other.get("ExpectedBucketOwner") != self.owner:
            raise _error("AccessDenied", 403, name)
        if fault is Fault.UNAVAILABLE:
            raise _error("ServiceUnavailable", 503, name)
        if fault is Fault.THROTTLED:
            raise _error("SlowDown", 503, name)
        if fault is Fault.RESET:
            raise EndpointConnectionError(endpoint_url="s3")
        if fault is Fault.CONFLICT and name == "conditional put":
            raise _error("ConditionalRequestConflict", 409, name)
        answer = take_effect()
        if fault is Fault.ANSWER_LOST:
            raise ReadTimeoutError(endpoint_url="s3")
        if fault is Fault.TRUNCATED and name == "get":
            answer["Body"] = _CutOff()
        return answer


class _CutOff(io.RawIOBase):
    def read(self, _size: int = -1, /) -> bytes:
        raise ConnectionResetError("The body was cut off.")


def _error(code: str, status: int, operation: str) -> ClientError:
    return ClientError(
        {
            "Error": {"Code": code, "Message": code},
            "ResponseMetadata": {"HTTPStatusCode": status},  # type: ignore[typeddict-item]
        },
        operation,
    )


def parse(data: bytes) -> Any:  # noqa: ANN401 - any JSON
    """Return the value of JSON bytes."""
    return json.loads(data)
