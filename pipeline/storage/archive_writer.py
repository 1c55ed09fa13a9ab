"""Write a ZIP or TAR archive of any size in blocks of bytes, which need not be kept.

Files are stored as they are: images are compressed already, and compression would give other bytes
on another machine. Archives have no dates and no owners, so the same files in the same order give
the same bytes.
"""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, Protocol
from zipfile import ZIP_STORED, ZipFile, ZipInfo

if TYPE_CHECKING:
    from collections.abc import Iterable

ArchiveForm = Literal["zip", "tar"]
"""A form of archives; it is also the suffix of their names."""

WriteBlock = Callable[[bytes], object]
"""Writes the next block of a file."""

# No part of a multipart upload but the last may be smaller than 5 MiB, and there are at most 10,000
# parts: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
BLOCK_BYTES = 16 * 1024 * 1024
_NO_DATE = (1980, 1, 1, 0, 0, 0)
_FILE_MODE = 0o100644


class ArchiveWriter:
    """Writes files into an archive, one after the other.

    Each block that goes away has at least 16 MiB; the last one is smaller. `zipfile` writes ZIP64
    where it must: from 2 GiB or 65,536 files on.
    """

    def __init__(self, form: ArchiveForm, write_block: WriteBlock) -> None:
        """Begin an archive.

        Args:
            form: `zip` or `tar`.
            write_block: gets the bytes.
        """
        self._write_block = write_block
        self._window = _Window()
        self._archive: _Archive = (_Zip if form == "zip" else _Tar)(self._window)

    def add(self, path: str, data: bytes) -> int:
        """Write a file, and return the offset of its first byte in the archive.

        Args:
            path: its path in the archive, with slashes.
            data: its content.
        """
        offset = self._archive.add(path, data)
        if self._window.held_bytes >= BLOCK_BYTES:
            self._write_block(self._window.take())
        return offset

    def close(self) -> None:
        """Write the end of the archive."""
        self._archive.close()
        self._write_block(self._window.take())


def write_archive(
    form: ArchiveForm, files: Iterable[tuple[str, bytes]], write_block: WriteBlock
) -> None:
    """Write an archive of files, each with its path and content."""
    archive = ArchiveWriter(form, write_block)
    for path, data in files:
        archive.add(path, data)
    archive.close()


class _Archive(Protocol):
    def add(self, path: str, data: bytes) -> int:
        """Write a file, and return the offset of its first byte."""

    def close(self) -> None:
        """Write the end."""


class _Zip:
    def __init__(self, window: _Window) -> None:
        self._window = window
        self._archive = ZipFile(window, "w", ZIP_STORED)

    def add(self, path: str, data: bytes) -> int:
        info = ZipInfo(path, _NO_DATE)
        info.external_attr = _FILE_MODE << 16
        self._archive.writestr(info, data)
        return self._window.tell() - len(data)

    def close(self) -> None:
        self._archive.close()


class _Tar:
    """The form of POSIX.1-1988 (ustar), which all readers know.

    https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_06
    """

    def __init__(self, window: _Window) -> None:
        self._window = window

    def add(self, path: str, data: bytes) -> int:
        info = tarfile.TarInfo(path)
        info.size = len(data)
        self._window.write(info.tobuf(tarfile.USTAR_FORMAT, "utf-8"))
        offset = self._window.tell()
        self._window.write(data)
        self._fill_up(tarfile.BLOCKSIZE)
        return offset

    def close(self) -> None:
        self._window.write(bytes(2 * tarfile.BLOCKSIZE))
        self._fill_up(tarfile.RECORDSIZE)

    def _fill_up(self, unit: int) -> None:
        self._window.write(bytes(-self._window.tell() % unit))


class _Window:
    """A file of which only the end is kept. `ZipFile` goes back no further than to an entry.

    It is no `io` object. After an error, Python may close such an object before the `ZipFile`,
    which still writes its end.
    """

    def __init__(self) -> None:
        self._taken = 0
        self._held = bytearray()
        self._position = 0  # in what is held

    @property
    def held_bytes(self) -> int:
        return len(self._held)

    def take(self) -> bytes:
        data = bytes(self._held)
        self._taken += len(data)
        self._position -= len(data)
        self._held.clear()
        return data

    def write(self, data: bytes, /) -> int:
        end = self._position + len(data)
        self._held[self._position : end] = data
        self._position = end
        return len(data)

    def tell(self) -> int:
        return self._taken + self._position

    def seek(self, offset: int, /) -> int:
        self._position = offset - self._taken
        return offset

    def flush(self) -> None:
        """Do nothing: what is written is in memory."""

    def close(self) -> None:
        """Do nothing: what is written stays to be taken."""
