"""A stream whose bytes come in blocks, or in ranges that were announced."""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TypeAlias

Ranges: TypeAlias = Sequence[tuple[int, int]]
"""The offsets of the first byte of each range, and of the byte after its last one."""

# Behind an announced range the reader may go on a little, or for long.
_FIRST_BYTES = 64 * 1024


class BlockStream(io.BufferedIOBase, ABC):
    """A readable and seekable stream. A subclass gets the blocks, and keeps those it wants.

    Attributes:
        is_ranged: whether each range of bytes costs a request, so that it pays to read few.
    """

    def __init__(self, size: int, block_bytes: int, *, is_ranged: bool) -> None:
        """Create a stream at the beginning.

        Args:
            size: length in bytes.
            block_bytes: length of a block; the last one may be shorter. Also the most bytes that
                are got at once.
            is_ranged: whether each range of bytes costs a request.
        """
        self.is_ranged = is_ranged
        self._size = size
        self._block_bytes = block_bytes
        self._position = 0
        self._is_expecting = False  # since the last announcement, no other bytes were missing
        self._expected_end = 0
        self._piece_start, self._piece = 0, b""  # the bytes that were got last of what is expected
        self._next_bytes = _FIRST_BYTES
        self._later: Ranges = ()  # that will be announced next

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

    def expect(self, start: int, end: int, later: Ranges = ()) -> None:
        """Announce the bytes that are read next: only these are requested, and not whole blocks.

        Args:
            start: offset of the first byte.
            end: offset of the byte after the last one. What is read behind it comes in small
                ranges, which grow.
            later: the ranges that will be announced next. They may be requested before.
        """
        self._is_expecting = True
        self._later = later
        self._piece_start, self._piece = min(max(start, 0), self._size), b""
        self._expected_end = min(max(end, 0), self._size)
        self._next_bytes = _FIRST_BYTES

    def read(self, size: int | None = -1, /) -> bytes:
        """Return up to `size` bytes, fewer only at the end."""
        left = max(0, self._size - self._position)
        wanted = left if size is None or size < 0 else min(size, left)
        parts = []
        while wanted:
            part = self._expected(wanted)
            if part is None:
                number, offset = divmod(self._position, self._block_bytes)
                is_there = self._has_block(self._position)
                self._is_expecting &= is_there
                part = self._block(number, offset)[offset : offset + wanted]
                if is_there and self._position == self._piece_start + len(self._piece):
                    # A block that is there already has some of what is expected.
                    self._piece_start, self._piece = self._position + len(part), b""
            if not part:  # the file has become shorter
                break
            parts.append(part)
            wanted -= len(part)
            self._position += len(part)
        return b"".join(parts)

    def _expected(self, wanted: int) -> bytes | None:
        """Return bytes at the position out of what is expected; None if it lies elsewhere."""
        offset = self._position - self._piece_start
        if not 0 <= offset <= len(self._piece) or self._has_block(self._position):
            return None
        if offset == len(self._piece):
            end = self._expected_end
            if end <= self._position:
                if not self._is_expecting:
                    return None
                end = self._position + self._next_bytes
                self._next_bytes = min(2 * self._next_bytes, self._block_bytes)
            end = min(end, self._position + self._block_bytes, self._size)
            self._piece_start, self._piece = self._position, self._range(self._position, end)
            offset = 0
        return self._piece[offset : offset + wanted]

    @abstractmethod
    def _block(self, number: int, offset: int) -> bytes:
        """Return a block, by its number from 0; the reader wants its bytes from an offset on."""

    @abstractmethod
    def _has_block(self, position: int) -> bool:
        """Tell whether the block with the byte at a position is there already."""

    @abstractmethod
    def _range(self, start: int, end: int) -> bytes:
        """Return the bytes of a range, which is at most as long as a block."""
