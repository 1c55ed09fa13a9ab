"""A model in S3, with the card beside it: fetched to the disk, loaded, and removed there again."""

from __future__ import annotations

import shutil
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from handler.s3 import split_uri, told
from pipeline.detection.model import Model
from pipeline.errors import BrokenError, SupersededError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_MEGABYTE = 1_000_000


def load_from_s3(
    client: S3Client, uri: str, providers: tuple[str, ...], max_megabytes: float
) -> Model:
    """Load the model at `s3://bucket/key`, with its card if there is one.

    Once it is loaded the memory holds it, and /tmp (512 MB unless asked for more) is free again.

    Raises:
        BrokenError: it is not there, may not be read, is too large, or cannot be used.
        RetryableError: S3 fails.
    """
    # pydantic, behind cards, is a fifth of the cold start; see worker.py.
    from pipeline.detection.card import SUFFIXES  # noqa: PLC0415

    bucket, key = split_uri(uri)
    with TemporaryDirectory(prefix="pretag-model-") as folder:
        file = Path(folder, PurePosixPath(key).name or "model.onnx")
        if not _fetch(client, bucket, key, file, max_megabytes):
            raise BrokenError(f"Model {uri} does not exist; detector.model names it.")
        for suffix in SUFFIXES:
            card = str(PurePosixPath(key).with_suffix(suffix))
            _fetch(client, bucket, card, file.with_suffix(suffix), max_megabytes)
        try:
            return Model.load(str(file), providers, max_megabytes)
        except BrokenError as error:
            raise BrokenError(f"{uri}, as fetched from S3: {error}") from error


def _fetch(client: S3Client, bucket: str, key: str, file: Path, max_megabytes: float) -> bool:
    """Fetch an object; return whether there is one."""
    uri = f"s3://{bucket}/{key}"
    try:
        with told(uri):
            answer = client.get_object(Bucket=bucket, Key=key)
            megabytes = answer["ContentLength"] / _MEGABYTE
            if megabytes > max_megabytes:
                raise BrokenError(
                    f"{uri} is {megabytes:.1f} MB, more than detector.max_megabytes "
                    f"({max_megabytes:g}) allows."
                )
            with file.open("wb") as copy:
                shutil.copyfileobj(answer["Body"], copy)
    except SupersededError:
        return False
    except OSError as error:
        raise BrokenError(
            f"{uri} cannot be written to {file.parent}: {error.strerror}. A large model needs more "
            "of the template's StorageMegabytes."
        ) from error
    return True
