"""Fetch a model file and its card from S3 to a folder."""

from __future__ import annotations

import shutil
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pipeline.errors import BrokenError, SupersededError
from pipeline.storage.s3.client import split_uri, translate_s3_errors

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

_MEGABYTE = 1_000_000


def fetch_model_files(
    client: S3Client,
    uri: str,
    folder: Path,
    *,
    card_suffixes: tuple[str, ...],
    max_megabytes: float,
) -> Path:
    """Fetch the model at `s3://bucket/key`, and the card beside it if there is one.

    Args:
        client: an S3 client.
        uri: the model.
        folder: where the files are written.
        card_suffixes: file suffixes that a card can have.
        max_megabytes: the largest file to fetch.

    Returns:
        The path of the model file.

    Raises:
        BrokenError: the model does not exist, may not be read, or is too large.
        RetryableError: S3 failed.
    """
    bucket, key = split_uri(uri)
    file = folder / (PurePosixPath(key).name or "model.onnx")
    if not _fetch(client, bucket, key, file, max_megabytes):
        raise BrokenError(f"Model {uri} does not exist. Upload it, or correct detector.model.")
    for suffix in card_suffixes:
        card_key = str(PurePosixPath(key).with_suffix(suffix))
        _fetch(client, bucket, card_key, file.with_suffix(suffix), max_megabytes)
    return file


def _fetch(client: S3Client, bucket: str, key: str, file: Path, max_megabytes: float) -> bool:
    """Fetch an object to a file; return False if it does not exist."""
    uri = f"s3://{bucket}/{key}"
    try:
        with translate_s3_errors(uri):
            answer = client.get_object(Bucket=bucket, Key=key)
            megabytes = answer["ContentLength"] / _MEGABYTE
            if megabytes > max_megabytes:
                raise BrokenError(
                    f"{uri} is {megabytes:.1f} MB; detector.max_megabytes allows "
                    f"{max_megabytes:g}. Raise it, or use a smaller model."
                )
            with file.open("wb") as copy:
                shutil.copyfileobj(answer["Body"], copy)
    except SupersededError:
        return False
    except OSError as error:
        raise BrokenError(
            f"{uri} cannot be written to {file.parent}: {error.strerror}. For a large model, raise "
            "StorageMegabytes in the template."
        ) from error
    return True
