"""Results to S3."""

from __future__ import annotations

import mimetypes
from typing import TYPE_CHECKING

from handler.s3 import told
from pipeline.delivery import LATEST

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class S3Sink:
    """Writes a run below `s3://<bucket>/<prefix>/<video key>/<run id>`.

    Objects become visible one by one; the manifest, written last, makes them a result.
    """

    def __init__(
        self, client: S3Client, bucket: str, prefix: str, video_key: str, run_id: str
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
        with told(f"s3://{self._bucket}/{key}"):
            self._client.put_object(Bucket=self._bucket, Key=key, Body=data, ContentType=kind)
