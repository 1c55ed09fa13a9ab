"""Read an object as a seekable stream, by ranged requests, one block ahead of the reader.

Nothing is written to disk, and memory does not grow with the object: a few blocks are kept, and the
next one is fetched while one is read. A decoder jumps between both ends of a file, because the
index of an mp4 is often last, and then reads on. The blocks it left are still there when it
returns.
"""

import io
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait

BLOCK_BYTES = 4 * 1024 * 1024
# The first block, the index at the end, the block being read, and the one after it.
_BLOCKS_KEPT = 4
_CLOSING_SECONDS = 1.0

Fetch = Callable[[int, int], bytes]
"""Returns the bytes from an offset (inclusive) to another (exclusive)."""


class RangedReader(io.BufferedIOBase):
    """A seekable stream over ranged requests, for one thread at a time.

    `read` raises what `fetch` raises.
    """

    def __init__(self, fetch: Fetch, size: int, head: bytes) -> None:
        """Create a reader at the beginning of the object.

        Args:
            fetch: returns a range of the object's bytes; called from any thread.
            size: the object's size in bytes.
            head: its first block, which was fetched already; all of a smaller object.
        """
        self._fetch = fetch
        self._size = size
        self._position = 0
        self._read_ahead = ThreadPoolExecutor(max_workers=1, thread_name_prefix="read-ahead")
        first: Future[bytes] = Future()
        first.set_result(head)
        self._blocks: OrderedDict[int, Future[bytes]] = OrderedDict({0: first})

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
            number, offset = divmod(self._position, BLOCK_BYTES)
            part = self._block(number)[offset : offset + wanted]
            parts.append(part)
            wanted -= len(part)
            self._position += len(part)
        return b"".join(parts)

    def close(self) -> None:
        """Stop reading ahead. Errors of blocks that were not read are dropped.

        A fetch that hangs is left to end in its thread.
        """
        self._read_ahead.shutdown(wait=False, cancel_futures=True)
        running = [block for block in self._blocks.values() if block.running()]
        if not wait(running, _CLOSING_SECONDS).not_done:
            self._read_ahead.shutdown()
        self._blocks.clear()
        super().close()

    def _block(self, number: int) -> bytes:
        block = self._requested(number)
        if (number + 1) * BLOCK_BYTES < self._size:
            self._requested(number + 1)
        self._blocks.move_to_end(number)
        while len(self._blocks) > _BLOCKS_KEPT:
            self._blocks.popitem(last=False)
        return block.result()

    def _requested(self, number: int) -> Future[bytes]:
        if number not in self._blocks:
            start = number * BLOCK_BYTES
            end = min(start + BLOCK_BYTES, self._size)
            self._blocks[number] = self._read_ahead.submit(self._fetch, start, end)
        return self._blocks[number]
