"""Write one large object in parts, which S3 puts together at the end.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
"""

from __future__ import annotations

from functools import partial
from logging import getLogger
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self, TypeVar

from botocore.exceptions import ClientError

from pipeline.errors import PretagError
from pipeline.storage.s3.errors import error_code
from pipeline.storage.s3.retries import TRY_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

logger = getLogger(__name__)
T = TypeVar("T")

_LEAST_BYTES_A_SECOND = 140_000
_COPY_SECONDS = 120.0
_COMPLETE_SECONDS = 120.0
_CHECKSUM: Literal["SHA256"] = "SHA256"


class Call(Protocol):
    """Makes a request, and tries it again."""

    def __call__(self, request: Callable[[], T], *, try_seconds: float) -> T:
        """Return what the request returns."""


class MultipartUpload:
    """An upload of one object. Nobody sees the object before `complete`.

    As a context manager, it removes the parts if an exception leaves the block. Parts of a process
    that died are removed by the lifecycle rule of the bucket.

    All methods raise BrokenError and RetryableError, as those of `Bucket`.
    """

    def __init__(
        self, client: S3Client, bucket: Mapping[str, Any], key: str, content_type: str, call: Call
    ) -> None:
        """Begin an upload.

        Args:
            client: an S3 client that does not try again itself.
            bucket: the bucket and its owner, as arguments of a request.
            key: the object's key.
            content_type: its media type.
            call: makes a request.
        """
        self._client = client
        self._call = call
        self._object: dict[str, Any] = {**bucket, "Key": key}
        answer = call(
            lambda: client.create_multipart_upload(
                **self._object, ContentType=content_type, ChecksumAlgorithm=_CHECKSUM
            ),
            try_seconds=TRY_SECONDS,
        )
        self._upload = {**self._object, "UploadId": answer["UploadId"]}
        self._parts: list[CompletedPartTypeDef] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            return
        try:
            self._call(
                lambda: self._client.abort_multipart_upload(**self._upload), try_seconds=TRY_SECONDS
            )
        except PretagError as abort_error:  # the first error is told
            logger.warning("The parts of an upload were not removed: %s", abort_error)

    def add(self, data: bytes) -> None:
        """Write the next part: at least 5 MiB, unless it is the last one."""
        request = partial(
            self._client.upload_part,
            **self._upload,
            PartNumber=len(self._parts) + 1,
            Body=data,
            ChecksumAlgorithm=_CHECKSUM,
        )
        answer = self._call(request, try_seconds=TRY_SECONDS + len(data) / _LEAST_BYTES_A_SECOND)
        self._keep_part(answer["ETag"], answer)

    def add_copy(self, source: Mapping[str, Any], first: int, last: int) -> None:
        """Write the next part as a copy of the bytes `first` to `last` of another object.

        Args:
            source: the arguments that name it.
            first: offset of the first byte.
            last: offset of the last byte.
        """
        request = partial(
            self._client.upload_part_copy,
            **self._upload,
            **source,
            PartNumber=len(self._parts) + 1,
            CopySourceRange=f"bytes={first}-{last}",
        )
        copied = self._call(request, try_seconds=_COPY_SECONDS)["CopyPartResult"]
        self._keep_part(copied["ETag"], copied)

    def complete(self) -> None:
        """Make the object of its parts."""

        def request() -> None:
            try:
                self._client.complete_multipart_upload(
                    **self._upload, MultipartUpload={"Parts": self._parts}
                )
            except ClientError as error:
                # The answer to an earlier try may have been lost.
                if error_code(error) != "NoSuchUpload" or not self._exists():
                    raise

        self._call(request, try_seconds=_COMPLETE_SECONDS)

    def _exists(self) -> bool:
        try:
            self._client.head_object(**self._object)
        except ClientError:
            return False
        return True

    def _keep_part(self, etag: str, answer: Mapping[str, Any]) -> None:
        part: CompletedPartTypeDef = {"PartNumber": len(self._parts) + 1, "ETag": etag}
        if "ChecksumSHA256" in answer:
            part["ChecksumSHA256"] = answer["ChecksumSHA256"]
        self._parts.append(part)
