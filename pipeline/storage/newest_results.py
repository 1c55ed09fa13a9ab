"""Find the newest results below a folder or a prefix, in memory that does not grow with them."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Protocol

from pipeline.storage.paths import reading, write_file
from pipeline.storage.result_store import MANIFEST, REJECTION
from pipeline.text import path_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


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
            for name in (MANIFEST, REJECTION):
                for file in self._folder.rglob(name):
                    path = file.relative_to(self._folder).as_posix()
                    # An attempt in progress is in a folder whose name begins with a dot.
                    if is_ending(path) and not file.parent.name.startswith("."):
                        yield file.stat().st_mtime, path

    def read(self, path: str) -> bytes:
        """Return the content of a file."""
        file = self._folder / path
        with reading(file):
            return file.read_bytes()

    def write(self, path: str, data: bytes) -> None:
        """Write a file."""
        write_file(self._folder / path, data)
