"""The S3 client of the process, and the text files that it reads."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from pipeline.errors import BrokenError, SupersededError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from pipeline.storage.s3.retries import Retries

CONNECT_SECONDS = 3
SILENCE_SECONDS = 10
"""The longest time without a byte from S3."""

# 8 uploads, the block that is read, the one after it, and a few short requests.
_CONNECTIONS = 16


@cache
def s3_client() -> S3Client:
    """Return the S3 client of the process. It tries nothing again; `Retries` does."""
    return boto3.client(
        "s3",
        config=Config(
            retries={"mode": "standard", "total_max_attempts": 1},
            connect_timeout=CONNECT_SECONDS,
            read_timeout=SILENCE_SECONDS,
            max_pool_connections=_CONNECTIONS,
        ),
    )


def read_text(
    uri: str, client: S3Client, retries: Retries, *, named_by: str = "the variable PRETAG_CONFIG"
) -> str:
    """Return the text of the object at `s3://bucket/key`.

    Args:
        uri: the object.
        client: an S3 client.
        retries: the ladder for the request.
        named_by: what names the object, for the messages.

    Raises:
        BrokenError, RetryableError: the object cannot be read.
    """
    bucket, key = split_uri(uri)
    try:
        return retries.call(
            lambda: client.get_object(Bucket=bucket, Key=key)["Body"].read().decode(), uri, "read"
        )
    except SupersededError as error:
        raise BrokenError(f"{uri} does not exist. Upload it, or correct {named_by}.") from error
    except UnicodeDecodeError as error:
        raise BrokenError(
            f"{uri}, which {named_by} names, is not UTF-8 text. Save it as UTF-8."
        ) from error


def split_uri(uri: str) -> tuple[str, str]:
    """Return the bucket and the key (or prefix) of `s3://bucket/key`."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key
