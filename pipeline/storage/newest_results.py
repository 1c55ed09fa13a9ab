"""Find the newest results below a folder or a prefix, in memory that does not grow with them."""

from __future__ import annotations

import heapq
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pipeline.storage.paths import reading, write_file
from pipeline.storage.result_store import MANIFEST, REJECTION
from pipeline.text import path_text

if TYPE_CHECKING:
    from collections.abc import Iterator


class ResultPlace(Protocol):
    """A folder or a prefix with results."""

    @property
    def location(self) -> str:
        """The folder, or `s3://bucket/prefix`."""

    def endings(self) -> Iterator[tuple[float, str]]:
        """Yield time of change and relative path of each manifest and each rejection."""

    def read(self, path: str) -> bytes:
        """Return the content of a file; empty if it is gone."""

    def write(self, path: str, data: bytes) -> None:
        """Write a file."""


def newest_endings(place: ResultPlace, most: int) -> tuple[list[str], int]:
    """Return the paths of the newest manifests and rejections, and the number of all."""
    total = 0

    def counted() -> Iterator[tuple[float, str]]:
        nonlocal total
        for ending in place.endings():
            total += 1
            yield ending

    newest = heapq.nlargest(most, counted())
    return [path for _, path in newest], total


def is_ending(path: str) -> bool:
    """Tell whether a path is that of a manifest or a rejection in a folder."""
    return path.rpartition("/")[2] in {MANIFEST, REJECTION} and "/" in path


class FolderOfResults:
    """A folder on a disk.

    Raises:
        InputFileError: from `endings` and `read`, if it cannot be read.
        BrokenError: from `write`, if the disk refuses.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def location(self) -> str:
        """The folder, as given."""
        return path_text(self._folder)

    def endings(self) -> Iterator[tuple[float, str]]:
        """Yield time of change and relative path of each manifest and each rejection."""
        with reading(self._folder):
            for name, folders, files in os.walk(self._folder, onerror=_raise_unless_gone):
                folder = Path(name)
                # An attempt in progress is in a folder whose name begins with a dot.
                folders[:] = [each for each in folders if not each.startswith(".")]
                for file in sorted({MANIFEST, REJECTION}.intersection(files)):
                    path = (folder / file).relative_to(self._folder).as_posix()
                    if is_ending(path):
                        with suppress(FileNotFoundError):  # another process removed it meanwhile
                            yield (folder / file).stat().st_mtime, path

    def read(self, path: str) -> bytes:
        """Return the content of a file; empty if it is gone."""
        file = self._folder / path
        with reading(file):
            try:
                return file.read_bytes()
            except FileNotFoundError:
                return b""

    def write(self, path: str, data: bytes) -> None:
        """Write a file."""
        write_file(self._folder / path, data)


def _raise_unless_gone(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error
