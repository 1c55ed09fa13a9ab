"""Write results to S3."""

from __future__ import annotations

import mimetypes
from typing import TYPE_CHECKING

from pipeline.storage.publisher import LATEST
from pipeline.storage.s3.client import translate_s3_errors

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class S3Sink:
    """Writes a run to `s3://<bucket>/<prefix>/<video key>/<run id>`.

    Objects become visible one by one. The manifest, which is written last, makes them a result.
    """

    def __init__(
        self, client: S3Client, bucket: str, prefix: str, video_key: str, run_id: str
    ) -> None:
        self._client = client
        self._bucket = bucket
        self._video_prefix = "/".join(part for part in (prefix.strip("/"), video_key) if part)
        self._run_id = run_id

    @property
    def location(self) -> str:
        """The run's S3 prefix."""
        return f"s3://{self._bucket}/{self._video_prefix}/{self._run_id}"

    def put(self, path: str, data: bytes) -> None:
        """Write one object.

        Raises:
            BrokenError, RetryableError: S3 did not accept it.
        """
        self._put(f"{self._run_id}/{path}", data)

    def publish(self, latest: bytes | None) -> None:
        """Write `latest.json`, if given. The manifest has already made the run visible."""
        if latest is not None:
            self._put(LATEST, latest)

    def abandon(self) -> None:
        """Do nothing. Files without a manifest are not a result, and a retry overwrites them."""

    def _put(self, path: str, data: bytes) -> None:
        key = f"{self._video_prefix}/{path}"
        content_type = mimetypes.guess_type(path)[0] or "application/octet-stream"
        with translate_s3_errors(f"s3://{self._bucket}/{key}"):
            self._client.put_object(
                Bucket=self._bucket, Key=key, Body=data, ContentType=content_type
            )
