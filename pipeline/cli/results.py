"""Open the results that a command line names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.storage.paths import check_folder
from pipeline.storage.result_folder import ResultFolder

if TYPE_CHECKING:
    from pipeline.storage.verification import Result


def open_result(name: str) -> Result:
    """Return the result in a folder, or below `s3://bucket/prefix/key/run`.

    Raises:
        PathError: the folder does not exist, or the URI names no result.
    """
    if not name.startswith("s3://"):
        check_folder(Path(name))
        return ResultFolder(Path(name))
    # boto3 takes longer to import than the rest of the command.
    from pipeline.storage.s3.result import S3Result  # noqa: PLC0415

    return S3Result.at(name)
