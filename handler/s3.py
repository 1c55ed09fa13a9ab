"""Videos from S3, and results to it."""

import errno
import mimetypes
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import IO, TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, ParamValidationError

from handler.events import Job
from pipeline.delivery import LATEST
from pipeline.errors import BrokenError, RetryableError, SupersededError

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from mypy_boto3_s3 import S3Client

_GONE = {"404", "NoSuchKey", "NoSuchVersion", "412", "PreconditionFailed"}
_FORBIDDEN = {"403", "AccessDenied", "NoSuchBucket", "InvalidAccessKeyId", "AllAccessDisabled"}


@cache
def s3_client() -> "S3Client":
    """Return the process's one S3 client."""
    return boto3.client("s3", config=Config(retries={"mode": "standard", "max_attempts": 5}))


@dataclass(frozen=True)
class S3Video:
    """One version of one object, whose bytes are on their way."""

    bucket: str
    key: str
    version_id: str | None
    etag: str
    modified: datetime
    body: "StreamingBody" = field(repr=False)

    @classmethod
    def of(cls, job: Job, client: "S3Client") -> "S3Video":
        """Ask for the object that a job names.

        One request tells what the object is and starts its bytes, pinned to the job's version or
        ETag.

        Raises:
            SupersededError: it was deleted, or is another one by now.
            BrokenError, RetryableError: S3 would not give it.
        """
        pin: dict[str, Any] = {}
        if job.version_id is not None:
            pin = {"VersionId": job.version_id}
        elif job.etag is not None:
            pin = {"IfMatch": f'"{job.etag}"'}
        with _told(job.uri):
            answer = client.get_object(Bucket=job.bucket, Key=job.key, **pin)
        return cls(
            bucket=job.bucket,
            key=job.key,
            version_id=job.version_id,
            etag=answer["ETag"].strip('"'),
            modified=answer["LastModified"],
            body=answer["Body"],
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
    def open(self) -> Iterator[IO[bytes]]:
        """Lend a copy of the object, once.

        Raises:
            BrokenError: it does not fit into /tmp.
            RetryableError: it broke off.
        """
        with tempfile.TemporaryFile() as file:
            with _told(self.uri), _space_for(self.uri):
                shutil.copyfileobj(self.body, file, 1024 * 1024)
            file.seek(0)
            yield file


class S3Sink:
    """Writes a run below `s3://<bucket>/<prefix>/<video key>/<run id>`.

    Objects become visible one by one; the manifest, written last, makes them a result.
    """

    def __init__(
        self, client: "S3Client", bucket: str, prefix: str, video_key: str, run_id: str
    ) -> None:
        self._client = client
        self._bucket = bucket
        self._home = "/".join(part for part in (prefix.strip("/"), video_key) if part)
        self._run_id = run_id

    @property
    def location(self) -> str:
        """The run's S3 prefix."""
        return f"s3://{self._bucket}/{self._home}/{self._run_id}"

    def put(self, path: str, data: bytes) -> None:
        """Write one object.

        Raises:
            BrokenError, RetryableError: S3 would not take it.
        """
        self._put(f"{self._run_id}/{path}", data)

    def publish(self, latest: bytes | None) -> None:
        """Point `latest.json` at the run; the manifest has made it visible."""
        if latest is not None:
            self._put(LATEST, latest)

    def abandon(self) -> None:
        """Leave what was written: without a manifest it is no result, and a retry overwrites it."""

    def _put(self, path: str, data: bytes) -> None:
        key = f"{self._home}/{path}"
        kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
        with _told(f"s3://{self._bucket}/{key}"):
            self._client.put_object(Bucket=self._bucket, Key=key, Body=data, ContentType=kind)


def read_text(uri: str, client: "S3Client") -> str:
    """Return the text of `s3://bucket/key`.

    Raises:
        BrokenError, RetryableError: it cannot be read.
    """
    bucket, key = split_uri(uri)
    try:
        with _told(uri):
            return client.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    except SupersededError as error:
        raise BrokenError(f"{uri} does not exist; PRETAG_CONFIG names it.") from error
    except UnicodeDecodeError as error:
        raise BrokenError(f"{uri} is not UTF-8 text; PRETAG_CONFIG names it.") from error


def split_uri(uri: str) -> tuple[str, str]:
    """Return the bucket and the key (or prefix) of `s3://bucket/key`."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


@contextmanager
def _space_for(uri: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise BrokenError(
            f"{uri} does not fit into /tmp. Raise the template's StorageMegabytes."
        ) from error


@contextmanager
def _told(uri: str) -> Iterator[None]:
    """Tell S3's failures apart: gone, forbidden, or worth another try."""
    try:
        yield
    except ClientError as error:
        code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
        if code in _GONE:
            raise SupersededError(f"{uri} was replaced or deleted before it was read.") from error
        if code in _FORBIDDEN:
            raise BrokenError(
                f"S3 refuses {error.operation_name} on {uri} ({code}: {message}). "
                "Check the bucket's name and the function's role."
            ) from error
        raise RetryableError(f"S3 failed on {uri} ({code}: {message}).") from error
    except ParamValidationError as error:
        raise BrokenError(f"{uri} is no name that S3 accepts: {error}") from error
    except NoCredentialsError as error:
        raise BrokenError(f"No AWS credentials to reach {uri} with.") from error
    except BotoCoreError as error:
        raise RetryableError(f"S3 could not be reached for {uri}: {error}") from error
