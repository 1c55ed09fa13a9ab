"""Read files of a result, each checked against the manifest."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from pipeline.errors import InputFileError
from pipeline.storage.verification import read_manifest

if TYPE_CHECKING:
    from pipeline.storage.verification import ResultReader


class ListedFiles:
    """The files that the manifest of a result lists. All of them are there."""

    def __init__(self, reader: ResultReader) -> None:
        """Read the manifest.

        Raises:
            InputFileError: there is none, it is wrong, or a file that it lists is missing.
            PretagError: the result cannot be read: what a folder or S3 raises.
        """
        self._reader = reader
        self._listed = {file.path: file for file in read_manifest(reader).files}
        missing = sorted(self._listed.keys() - set(reader.paths()))
        if missing:
            raise self._damage(f"{missing[0]} is missing")

    def __contains__(self, path: str) -> bool:
        return path in self._listed

    def read(self, path: str) -> bytes:
        """Return the content of a listed file. May be called from any thread.

        Raises:
            InputFileError: it is not the file that the manifest lists.
            PretagError: it cannot be read: what a folder or S3 raises.
        """
        listed = self._listed[path]
        with self._reader.open(path) as stream:
            data = stream.read(listed.size_bytes + 1)
        if len(data) != listed.size_bytes or hashlib.sha256(data).hexdigest() != listed.sha256:
            raise self._damage(f"{path} was changed")
        return data

    def _damage(self, what: str) -> InputFileError:
        return InputFileError(
            f"{self._reader.location} is not complete: {what}. `pretag verify` lists all faults; "
            "process the video again."
        )
