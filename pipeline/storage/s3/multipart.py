"""Write one large object in parts, which S3 puts together at the end.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import count
from logging import getLogger
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self, TypeVar

from botocore.exceptions import ClientError

from pipeline.errors import BrokenError, PretagError
from pipeline.storage.s3.errors import error_code
from pipeline.storage.s3.retries import TRY_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import TracebackType

    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

    from pipeline.storage.archive_writer import WriteBlock

logger = getLogger(__name__)
T = TypeVar("T")

MISSING = {"404", "NoSuchKey"}
"""Codes of S3 for an object that does not exist."""

_LEAST_BYTES_A_SECOND = 140_000
_COPY_SECONDS = 120.0
_COMPLETE_SECONDS = 120.0
_CHECKSUM: Literal["SHA256"] = "SHA256"
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
_MOST_PARTS = 10_000
_PARALLEL_COPIES = 4


@contextmanager
def block_writer(
    put: Callable[[bytes], None], begin: Callable[[], MultipartUpload]
) -> Iterator[WriteBlock]:
    """Yield a function that writes the next block of an object of any size.

    The object is there when the context ends without an exception. One block or none takes one
    request; more blocks are an upload in parts. Each block but the last has at least 5 MiB.

    Args:
        put: writes the object by one request.
        begin: begins an upload in parts.
    """
    with ExitStack() as stack:
        first: bytes | None = None
        upload: MultipartUpload | None = None

        def write(block: bytes) -> None:
            nonlocal first, upload
            if first is None:
                first = block
                return
            if upload is None:
                upload = stack.enter_context(begin())
                upload.add(first)
                first = b""
            upload.add(block)

        yield write
        if upload is None:
            put(first or b"")
        else:
            upload.complete()


class Call(Protocol):
    """Makes a request, and tries it again."""

    def __call__(self, request: Callable[[], T], *, try_seconds: float) -> T:
        """Return what the request returns."""


class SourceGoneError(Exception):
    """The object that is copied does not exist."""


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
        """Write the next part: at least 5 MiB, unless it is the last one.

        Raises:
            BrokenError: there are 10,000 parts already, the most that S3 takes.
        """
        if len(self._parts) == _MOST_PARTS:
            raise BrokenError(
                f"s3://{self._object['Bucket']}/{self._object['Key']} would have more than "
                f"{_MOST_PARTS:,} parts of {len(data) / 1e6:.0f} MB, which S3 does not take. Set "
                "output.archive to none, or leave the export out, or sample more sparsely."
            )
        request = partial(
            self._client.upload_part,
            **self._upload,
            PartNumber=len(self._parts) + 1,
            Body=data,
            ChecksumAlgorithm=_CHECKSUM,
        )
        answer = self._call(request, try_seconds=TRY_SECONDS + len(data) / _LEAST_BYTES_A_SECOND)
        self._keep_part(answer["ETag"], answer)

    def add_copies(self, source: Mapping[str, Any], size_bytes: int, part_bytes: int) -> None:
        """Write all bytes of another object as the next parts, several at a time.

        Args:
            source: the arguments that name it.
            size_bytes: its size.
            part_bytes: size of a part; at least 5 MiB.

        Raises:
            SourceGoneError: it does not exist.
        """

        def copy(number: int, first: int) -> Mapping[str, Any]:
            last = min(first + part_bytes, size_bytes) - 1

            def request() -> Mapping[str, Any] | None:
                try:
                    answer = self._client.upload_part_copy(
                        **self._upload,
                        **source,
                        PartNumber=number,
                        CopySourceRange=f"bytes={first}-{last}",
                    )
                except ClientError as error:
                    if error_code(error) in MISSING:
                        return None
                    raise
                return answer["CopyPartResult"]

            copied = self._call(request, try_seconds=_COPY_SECONDS)
            if copied is None:
                raise SourceGoneError
            return copied

        starts = range(0, size_bytes, part_bytes)
        numbers = count(len(self._parts) + 1)
        with ThreadPoolExecutor(_PARALLEL_COPIES, thread_name_prefix="copy-part") as executor:
            for copied in executor.map(copy, numbers, starts):
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
