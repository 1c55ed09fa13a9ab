"""A result in S3: read its files, and make it the newest result of its video."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from pipeline.errors import PathError, SupersededError
from pipeline.resources.deadline import Deadline
from pipeline.storage.s3 import latest
from pipeline.storage.s3.bucket import Bucket
from pipeline.storage.s3.client import s3_client, split_uri
from pipeline.storage.s3.retries import Retries
from pipeline.storage.s3.video import S3Video

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client

    from pipeline.storage.source import ByteRange, ByteStream


class S3Result:
    """The run at `s3://<bucket>/<prefix>/<video key>/<run id>`.

    Objects are read in blocks of 4 MB, of which at most four are in memory for each open object.

    Raises:
        BrokenError, RetryableError: from any method, if S3 refuses or fails.
        SupersededError: an object was replaced or deleted while it was read.
    """

    def __init__(self, client: S3Client, bucket: str, video_prefix: str, run_id: str) -> None:
        self._client = client
        self._retries = Retries(Deadline.never())
        self._bucket = Bucket(client, bucket, None, self._retries)
        self._video_prefix = video_prefix
        self._run_id = run_id

    @classmethod
    def at(cls, uri: str) -> Self:
        """Return the run at a URI, which may end with a slash. Nothing is requested.

        Raises:
            PathError: the URI has no run id, or nothing before it.
        """
        bucket, prefix = split_uri(uri.rstrip("/"))
        video_prefix, _, run_id = prefix.rpartition("/")
        if not bucket or not video_prefix:
            raise PathError(f"{uri} names no result. Write s3://bucket/prefix/key/run.")
        return cls(s3_client(), bucket, video_prefix, run_id)

    @property
    def location(self) -> str:
        """The run's S3 prefix."""
        return self._bucket.uri(self._run_prefix).rstrip("/")

    @property
    def run_id(self) -> str:
        """The last part of the prefix."""
        return self._run_id

    @property
    def _run_prefix(self) -> str:
        return f"{self._video_prefix}/{self._run_id}/"

    def paths(self) -> list[str]:
        """Return the keys below the run's prefix, sorted.

        Keys that end with a slash are no files: the S3 console makes them for folders.
        """
        keys = self._bucket.keys(self._run_prefix)
        return sorted(key.removeprefix(self._run_prefix) for key in keys if not key.endswith("/"))

    @contextmanager
    def open(self, path: str) -> Iterator[ByteStream]:
        """Open one version of an object."""
        key = self._run_prefix + path
        found = S3Video.find(self._client, self._bucket.name, key, retries=self._retries)
        with found.open() as stream:
            yield stream

    def read_part(self, path: str, part: ByteRange) -> bytes:
        """Return a part of an object, by one request."""
        key = self._run_prefix + path
        found = self._bucket.get(key, part)
        if found is None:
            raise SupersededError(f"{self._bucket.uri(key)} was deleted before it was read.")
        return found.data

    def promote(self, finished: str) -> None:
        """Make `latest.json` of the video name this run. Its source and sequencer stay."""
        latest.promote(self._bucket, self._video_prefix, self._run_id, finished)
