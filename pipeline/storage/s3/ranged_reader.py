"""Read an object as a seekable stream, by ranged requests, one block ahead of the reader.

Nothing is written to disk, and memory does not grow with the object: a few blocks are kept, and the
next one is fetched when half of one was read. A decoder jumps between both ends of a file, because
the index of an mp4 is often last, and then reads on. The blocks it left are still there when it
returns. Of a decoder that goes from key frame to key frame, the ranges are known, and only they are
fetched, the next ones while it decodes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

from pipeline.storage.block_stream import BlockStream

if TYPE_CHECKING:
    from pipeline.storage.block_stream import Ranges

BLOCK_BYTES = 4 * 1024 * 1024
# The first block, the index at the end, the block being read, and the one after it.
_BLOCKS_KEPT = 4
_CLOSING_SECONDS = 1.0
# Of ranges that are fetched before they are read, there are two.
_AT_A_TIME = 2

Fetch = Callable[[int, int], bytes]
"""Returns the bytes from an offset (inclusive) to another (exclusive)."""


class RangedReader(BlockStream):
    """A seekable stream over ranged requests, for one thread at a time.

    `read` raises what `fetch` raises.

    Attributes:
        requests: number of ranges that were asked for, with that of the first block.
        bytes_fetched: their bytes.
    """

    def __init__(self, fetch: Fetch, size: int, head: bytes) -> None:
        """Create a reader at the beginning of the object.

        Args:
            fetch: returns a range of the object's bytes; called from any thread.
            size: the object's size in bytes.
            head: its first block, which was fetched already; all of a smaller object.
        """
        super().__init__(size, BLOCK_BYTES, is_ranged=True)
        self.requests, self.bytes_fetched = 1, len(head)
        self._fetch = fetch
        self._read_ahead = ThreadPoolExecutor(_AT_A_TIME, thread_name_prefix="read-ahead")
        first: Future[bytes] = Future()
        first.set_result(head)
        self._blocks: OrderedDict[int, Future[bytes]] = OrderedDict({0: first})
        # Announced ranges that are not read yet, by their offset: their end, and their bytes.
        self._early: dict[int, tuple[int, Future[bytes]]] = {}

    def close(self) -> None:
        """Stop reading ahead. Errors of blocks that were not read are dropped.

        A fetch that hangs is left to end in its thread.
        """
        self._read_ahead.shutdown(wait=False, cancel_futures=True)
        fetches = [*self._blocks.values(), *(fetch for _, fetch in self._early.values())]
        running = [fetch for fetch in fetches if fetch.running()]
        if not wait(running, _CLOSING_SECONDS).not_done:
            self._read_ahead.shutdown()
        self._blocks.clear()
        self._early.clear()
        super().close()

    def expect(self, start: int, end: int, later: Ranges = ()) -> None:
        """Announce the bytes that are read next, and begin to fetch the later ranges.

        So the reader does not wait for each of them. Of a longer range, it is the first block.
        """
        super().expect(start, end, later)
        early = {start: self._early.pop(start)} if start in self._early else {}
        for first, last in later:
            stop = min(last, first + BLOCK_BYTES, self._size)
            if first in self._early:
                early[first] = self._early.pop(first)
            elif first < stop and not self._has_block(first):
                self._count(first, stop)
                early[first] = stop, self._read_ahead.submit(self._fetch, first, stop)
        for _, unwanted in self._early.values():
            unwanted.cancel()
        self._early = early

    def _block(self, number: int, offset: int) -> bytes:
        block = self._requested(number)
        is_ahead = offset >= BLOCK_BYTES // 2 and not self._is_expecting
        if is_ahead and (number + 1) * BLOCK_BYTES < self._size:
            self._requested(number + 1)
        self._blocks.move_to_end(number)
        while len(self._blocks) > _BLOCKS_KEPT:
            self._blocks.popitem(last=False)
        return block.result()

    def _requested(self, number: int) -> Future[bytes]:
        if number not in self._blocks:
            start = number * BLOCK_BYTES
            end = min(start + BLOCK_BYTES, self._size)
            self._count(start, end)
            self._blocks[number] = self._read_ahead.submit(self._fetch, start, end)
        return self._blocks[number]

    def _has_block(self, position: int) -> bool:
        return position // BLOCK_BYTES in self._blocks

    def _range(self, start: int, end: int) -> bytes:
        stop, early = self._early.pop(start, (0, None))
        if early is not None and stop == end:
            return early.result()
        self._count(start, end)
        return self._fetch(start, end)

    def _count(self, start: int, end: int) -> None:
        self.requests += 1
        self.bytes_fetched += end - start
