"""Fetch a model file and its card from S3 to a folder."""

from __future__ import annotations

import shutil
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pipeline.errors import BrokenError, RetryableError, SupersededError
from pipeline.storage.s3.client import split_uri
from pipeline.storage.s3.video import S3Video

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

    from pipeline.storage.s3.retries import Retries

_MEGABYTE = 1_000_000


def fetch_model_files(  # noqa: PLR0913 - where from, where to, and what bounds it
    client: S3Client,
    uri: str,
    folder: Path,
    *,
    card_suffixes: tuple[str, ...],
    max_megabytes: float,
    retries: Retries,
) -> Path:
    """Fetch the model at `s3://bucket/key`, and the card beside it if there is one.

    Args:
        client: an S3 client.
        uri: the model.
        folder: where the files are written.
        card_suffixes: file suffixes that a card can have.
        max_megabytes: the largest file to fetch.
        retries: the ladder for all requests.

    Returns:
        The path of the model file.

    Raises:
        BrokenError: the model does not exist, may not be read, or is too large.
        RetryableError: S3 failed, or the model was replaced while it was fetched.
    """
    bucket, key = split_uri(uri)
    file = folder / (PurePosixPath(key).name or "model.onnx")
    model = _find(client, bucket, key, retries)
    if model is None:
        raise BrokenError(f"Model {uri} does not exist. Upload it, or correct detector.model.")
    _fetch(model, file, max_megabytes)
    for suffix in card_suffixes:
        card = _find(client, bucket, str(PurePosixPath(key).with_suffix(suffix)), retries)
        if card is not None:
            _fetch(card, file.with_suffix(suffix), max_megabytes)
    return file


def _find(client: S3Client, bucket: str, key: str, retries: Retries) -> S3Video | None:
    """Return an object; None if it does not exist."""
    try:
        return S3Video.find(client, bucket, key, retries=retries)
    except SupersededError:
        return None


def _fetch(source: S3Video, file: Path, max_megabytes: float) -> None:
    megabytes = source.size / _MEGABYTE
    if megabytes > max_megabytes:
        raise BrokenError(
            f"{source.uri} is {megabytes:.1f} MB; detector.max_megabytes allows "
            f"{max_megabytes:g}. Raise it, or use a smaller model."
        )
    try:
        with source.open() as stream, file.open("wb") as copy:
            shutil.copyfileobj(stream, copy)
    except SupersededError as error:
        raise RetryableError(
            f"{source.uri} was replaced while it was fetched. It is tried again."
        ) from error
    except OSError as error:
        raise BrokenError(
            f"{source.uri} cannot be written to {file.parent}: {error.strerror}. For a large "
            "model, raise StorageMegabytes in the template."
        ) from error
