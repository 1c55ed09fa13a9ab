"""The S3 client of the process, and the translation of its errors."""

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
    """Return the S3 client of the process."""
    return boto3.client("s3", config=Config(retries={"mode": "standard", "max_attempts": 5}))


def read_text(uri: str, client: S3Client) -> str:
    """Return the text of the object at `s3://bucket/key`.

    Raises:
        BrokenError, RetryableError: the object cannot be read.
    """
    bucket, key = split_uri(uri)
    try:
        with translate_s3_errors(uri):
            return client.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    except SupersededError as error:
        raise BrokenError(
            f"{uri} does not exist. Upload it, or correct the variable PRETAG_CONFIG."
        ) from error
    except UnicodeDecodeError as error:
        raise BrokenError(
            f"{uri} is not UTF-8 text. Save the file that PRETAG_CONFIG names as UTF-8."
        ) from error


def split_uri(uri: str) -> tuple[str, str]:
    """Return the bucket and the key (or prefix) of `s3://bucket/key`."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


@contextmanager
def translate_s3_errors(uri: str) -> Iterator[None]:
    """Turn the errors of boto3 in the block into errors of pretag.

    Args:
        uri: the object, for messages.

    Raises:
        SupersededError: the object does not exist, or was replaced.
        BrokenError: S3 refuses the request, or the request is not valid.
        RetryableError: any other failure. Trying again may help.
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
                "Check the bucket's name and the permissions of the role."
            ) from error
        raise RetryableError(
            f"S3 failed on {uri} ({code}: {message}). It is tried again."
        ) from error
    except ParamValidationError as error:
        raise BrokenError(f"{uri} is not a name that S3 accepts: {error}") from error
    except NoCredentialsError as error:
        raise BrokenError(
            f"No AWS credentials were found to reach {uri}. Configure them, or give the function "
            "a role."
        ) from error
    except BotoCoreError as error:
        raise RetryableError(
            f"S3 could not be reached for {uri}: {error}. It is tried again."
        ) from error
