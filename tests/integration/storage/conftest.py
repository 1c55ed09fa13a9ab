"""Fixtures of the tests of storage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
import pytest

from tests.support.emulated_aws import emulated_aws

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Client]:
    """Emulate S3 with the buckets `videos` and `results`, and return a client."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with emulated_aws():
        client = boto3.client("s3", region_name="us-east-1")
        for bucket in ("videos", "results"):
            client.create_bucket(Bucket=bucket)
        yield client
