"""A stream whose bytes come in blocks."""

from __future__ import annotations

import io
from abc import ABC, abstractmethod


class BlockStream(io.BufferedIOBase, ABC):
    """A readable and seekable stream. A subclass gets the blocks, and keeps those it wants."""

    def __init__(self, size: int, block_bytes: int) -> None:
        """Create a stream at the beginning.

        Args:
            size: length in bytes.
            block_bytes: length of a block; the last one may be shorter.
        """
        self._size = size
        self._block_bytes = block_bytes
        self._position = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position in bytes."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move to an offset, and return the new position in bytes."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, start + offset)
        return self._position

    def read(self, size: int | None = -1, /) -> bytes:
        """Return up to `size` bytes, fewer only at the end."""
        left = max(0, self._size - self._position)
        wanted = left if size is None or size < 0 else min(size, left)
        parts = []
        while wanted:
            number, offset = divmod(self._position, self._block_bytes)
            part = self._block(number)[offset : offset + wanted]
            if not part:  # the file has become shorter
                break
            parts.append(part)
            wanted -= len(part)
            self._position += len(part)
        return b"".join(parts)

    @abstractmethod
    def _block(self, number: int) -> bytes:
        """Return a block, by its number from 0."""
