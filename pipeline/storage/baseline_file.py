"""Read the baseline that the configuration names, on a disk or in S3."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.errors import BrokenError
from pipeline.text import path_text

if TYPE_CHECKING:
    from pipeline.drift.baseline import Baseline
    from pipeline.resources.deadline import Deadline

_MAX_BYTES = 1024 * 1024
_REMEDY = "Correct the config key drift.baseline, or set it to null."


def read_baseline(name: str | None, deadline: Deadline) -> Baseline | None:
    """Return the baseline at a path or at `s3://bucket/key`; None if there is no name.

    Raises:
        BrokenError: it cannot be read, or is not as `pretag baseline` writes it.
        RetryableError: S3 failed.
    """
    if name is None:
        return None
    data = _from_s3(name, deadline) if name.startswith("s3://") else _from_disk(Path(name))
    # Imported late, as few runs have a baseline, and pydantic takes long.
    from pipeline.drift.baseline import Baseline  # noqa: PLC0415

    return Baseline.parse(data, name)


def _from_s3(uri: str, deadline: Deadline) -> bytes:
    from pipeline.storage.s3.client import read_text, s3_client  # noqa: PLC0415 - boto3
    from pipeline.storage.s3.retries import Retries  # noqa: PLC0415

    retries = Retries(deadline)
    return read_text(uri, s3_client(), retries, named_by="the config key drift.baseline").encode()


def _from_disk(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise BrokenError(
            f"The baseline {path_text(path)} cannot be read: {error.strerror}. {_REMEDY}"
        ) from error
    if len(data) > _MAX_BYTES:
        raise BrokenError(f"The baseline {path_text(path)} is larger than 1 MB. {_REMEDY}")
    return data
