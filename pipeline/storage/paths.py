"""Check paths that a person gave, and turn the errors of a disk into errors of pretag."""

from __future__ import annotations

import io
import stat
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pipeline.errors import BrokenError, InputFileError, PathError
from pipeline.text import path_text
from pipeline.uris import uri_sentence

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.storage.source import ByteRange


def check_path(path: Path) -> None:
    """Check that a path is no URI.

    Raises:
        PathError: it is one.
    """
    sentence = uri_sentence(path)
    if sentence is not None:
        raise PathError(sentence)


def check_file(path: Path, remedy: str = "Name a file in it.") -> None:
    """Check that a path names a file or a pipe. Whether it may be read shows when it is read.

    Args:
        path: the path.
        remedy: what to do about a directory.

    Raises:
        PathError: it is a URI, does not exist, or is a directory.
    """
    mode = _existing_mode(path)
    if mode is not None and stat.S_ISDIR(mode):
        raise PathError(f"{path_text(path)} is a directory. {remedy}")


def check_regular_file(path: Path, remedy: str) -> None:
    """Check that a path names a file that can be read from any place.

    Args:
        path: the path.
        remedy: what to do about a directory.

    Raises:
        PathError: it is a URI, does not exist, or is a directory, a pipe or a device.
    """
    check_file(path, remedy)
    mode = _existing_mode(path)
    if mode is not None and not stat.S_ISREG(mode):
        raise PathError(f"{path_text(path)} is a pipe or a device. Save it to a file first.")


def check_folder(path: Path) -> None:
    """Check that a path names a folder.

    Raises:
        PathError: it is a URI, does not exist, or is a file.
    """
    mode = _existing_mode(path)
    if mode is not None and not stat.S_ISDIR(mode):
        raise PathError(f"{path_text(path)} is a file. Name a folder.")


def check_output_file(path: Path) -> None:
    """Check that a path names no folder: a file, or nothing yet.

    Raises:
        PathError: it is a URI or a directory.
    """
    check_path(path)
    if path.is_dir():
        raise PathError(f"{path_text(path)} is a directory. Name a file.")


def check_output_folder(path: Path) -> None:
    """Check that a path names no file: a folder, or nothing yet.

    Raises:
        PathError: it is a URI or a file.
    """
    check_path(path)
    if path.is_file():
        raise PathError(f"{path_text(path)} is a file. Name a folder.")


def _existing_mode(path: Path) -> int | None:
    """Return the mode of what a path names; None if that cannot be seen.

    Raises:
        PathError: it is a URI, or does not exist.
    """
    check_path(path)
    try:
        return path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:  # a null byte in it
        raise PathError(f"{path_text(path)} does not exist. Check the path.") from error
    except OSError:
        return None


def write_file(path: Path, data: bytes) -> None:
    """Write a file. Folders that do not exist are made.

    Raises:
        BrokenError: it cannot be written.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def read_file(path: Path, part: ByteRange | None = None) -> bytes:
    """Return the content of a file, or a part of it; shorter if the file ends within it.

    Raises:
        InputFileError: it cannot be read.
    """
    with reading(path), path.open("rb") as file:
        if part is None:
            return file.read()
        file_bytes = file.seek(0, io.SEEK_END)
        start = file.seek(min(part.start, file_bytes))
        return file.read(min(part.size, file_bytes - start))


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn an `OSError` of the block into an `InputFileError` that names the path."""
    try:
        yield
    except OSError as error:
        raise InputFileError(
            f"{path_text(path)} cannot be read: {error.strerror}. "
            "Check the path and its permissions."
        ) from error


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn an `OSError` of the block into a `BrokenError` that names the path."""
    try:
        yield
    except OSError as error:
        raise BrokenError(
            f"{path_text(path)} cannot be written: {error.strerror}. Free space there or change "
            "its permissions, or choose another folder."
        ) from error
