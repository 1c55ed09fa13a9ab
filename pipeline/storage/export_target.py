"""Write the files of an export: into a folder, a ZIP archive, or below an S3 prefix."""

from __future__ import annotations

import secrets
import shutil
from typing import TYPE_CHECKING, Protocol

from pipeline.errors import PathError
from pipeline.storage.archive_writer import write_archive
from pipeline.storage.paths import check_path, writing
from pipeline.text import path_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

ARCHIVE_SUFFIX = ".zip"


class ExportTarget(Protocol):
    """Where an export goes."""

    def write(self, files: Iterable[tuple[str, bytes]]) -> None:
        """Write all files, each with its path in the export.

        Raises:
            BrokenError, RetryableError: they cannot be written.
        """


class FolderTarget:
    """A new folder, which is there when all files are in it."""

    def __init__(self, folder: Path) -> None:
        """Check that the folder is new or empty.

        Raises:
            PathError: it is a URI, a file, or has files.
        """
        check_path(folder)
        if folder.is_file():
            raise PathError(f"{path_text(folder)} is a file. Name a new folder, or a .zip file.")
        if folder.is_dir() and any(folder.iterdir()):
            raise PathError(
                f"{path_text(folder)} is not empty, and files of another export would stay among "
                "those of this one. Name a new folder."
            )
        self._folder = folder

    def write(self, files: Iterable[tuple[str, bytes]]) -> None:
        """Write all files into a temporary folder, and rename it."""
        target = self._folder.absolute()
        temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        try:
            for path, data in files:
                file = temporary / path
                with writing(file):
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_bytes(data)
            with writing(target):
                if target.is_dir():
                    target.rmdir()
                temporary.rename(target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


class ArchiveTarget:
    """A ZIP file. One that is there is replaced when the new one is complete."""

    def __init__(self, file: Path) -> None:
        """Check that no folder has this name.

        Raises:
            PathError: it is a URI or a folder.
        """
        check_path(file)
        if file.is_dir():
            raise PathError(f"{path_text(file)} is a directory. Name a file.")
        self._file = file

    def write(self, files: Iterable[tuple[str, bytes]]) -> None:
        """Write a temporary archive, and rename it."""
        target = self._file.absolute()
        temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        try:
            with writing(target):
                target.parent.mkdir(parents=True, exist_ok=True)
            with writing(target), temporary.open("wb") as stream:
                write_archive("zip", files, stream.write)
            with writing(target):
                temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
