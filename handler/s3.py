"""S3: the process's one client, and its failures told apart."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, ParamValidationError

from pipeline.errors import BrokenError, RetryableError, SupersededError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client

_GONE = {"404", "NoSuchKey", "NoSuchVersion", "412", "PreconditionFailed"}
_FORBIDDEN = {"403", "AccessDenied", "NoSuchBucket", "InvalidAccessKeyId", "AllAccessDisabled"}


@cache
def s3_client() -> S3Client:
    """Return the process's one S3 client."""
    return boto3.client("s3", config=Config(retries={"mode": "standard", "max_attempts": 5}))


def read_text(uri: str, client: S3Client) -> str:
    """Return the text of `s3://bucket/key`.

    Raises:
        BrokenError, RetryableError: it cannot be read.
    """
    bucket, key = split_uri(uri)
    try:
        with told(uri):
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
def told(uri: str) -> Iterator[None]:
    """Tell S3's failures apart.

    Raises:
        SupersededError: the object is gone, or is another one.
        BrokenError: S3 refuses, or was asked for something that cannot be.
        RetryableError: anything else; trying again may help.
    """
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
