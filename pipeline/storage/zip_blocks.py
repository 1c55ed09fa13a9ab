"""Write a ZIP archive of any size as blocks of bytes, which need not be kept."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING
from zipfile import ZIP_STORED, ZipFile, ZipInfo

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# No part of a multipart upload but the last may be smaller than 5 MiB, and there are at most 10,000
# parts: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
BLOCK_BYTES = 16 * 1024 * 1024
_NO_DATE = (1980, 1, 1, 0, 0, 0)
_FILE_MODE = 0o100644


def zip_blocks(files: Iterable[tuple[str, bytes]]) -> Iterator[bytes]:
    """Yield a ZIP archive of files, in blocks of at least 16 MiB; the last one is smaller.

    The files are stored as they are: images are compressed already, and compression would give
    other bytes on another machine. The archive has no dates.

    Args:
        files: path and content of each file.
    """
    window = _Window()
    with ZipFile(window, "w", ZIP_STORED) as archive:
        for path, data in files:
            info = ZipInfo(path, _NO_DATE)
            info.external_attr = _FILE_MODE << 16
            archive.writestr(info, data)
            if window.held_bytes >= BLOCK_BYTES:
                yield window.take()
    yield window.take()


class _Window(io.RawIOBase):
    """A file of which only the end is kept. `ZipFile` goes back no further than to an entry."""

    def __init__(self) -> None:
        self._taken = 0
        self._held = io.BytesIO()

    @property
    def held_bytes(self) -> int:
        return self._held.getbuffer().nbytes

    def take(self) -> bytes:
        data = self._held.getvalue()
        self._taken += len(data)
        self._held = io.BytesIO()
        return data

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def write(self, data: bytes, /) -> int:  # type: ignore[override] # ZipFile writes bytes
        return self._held.write(data)

    def tell(self) -> int:
        return self._taken + self._held.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        if whence == io.SEEK_SET:
            offset -= self._taken
        return self._taken + self._held.seek(offset, whence)
