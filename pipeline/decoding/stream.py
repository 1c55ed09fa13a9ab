"""A stream that never raises, for decoders to read from."""

from __future__ import annotations

import io
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.runlog import StageLog
from pipeline.storage.block_stream import BlockStream

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.storage.block_stream import Ranges
    from pipeline.storage.source import ByteStream


class GuardedStream(io.BufferedIOBase):
    """Wraps a readable, seekable stream, and keeps an error instead of raising it.

    An exception inside the callbacks of `cv2.VideoCapture` ends the process. So a failed read
    looks like the end of the file, and the caller of OpenCV calls `raise_pending_error()`
    afterwards.

    Attributes:
        reads_past_end: number of reads that returned nothing.
    """

    def __init__(self, raw: ByteStream, on_progress: Callable[[], None] = lambda: None) -> None:
        self._raw = raw
        self._on_progress = on_progress
        self._error: Exception | None = None
        self._stopped = False
        self._fetch = StageLog("fetch")
        self._position = 0
        self._furthest = 0
        self._last_size = 0
        self._waiting_for_data = False
        self.reads_past_end = 0
        self._last_progress = time.monotonic()

    @property
    def size(self) -> int:
        """Length in bytes."""
        before = self._position
        size = self.seek(0, io.SEEK_END)
        self.seek(before)
        self._last_size = size
        return size

    @property
    def is_ranged(self) -> bool:
        """Whether each range of bytes costs a request, so that it pays to read few."""
        return isinstance(self._raw, BlockStream) and self._raw.is_ranged

    def expect(self, start: int, end: int, later: Ranges = ()) -> None:
        """Announce a range of bytes that is read next, without others around it.

        Args:
            start: offset of the first byte.
            end: offset of the byte after the last one.
            later: the ranges that will be announced next.
        """
        if isinstance(self._raw, BlockStream):
            self._raw.expect(start, end, later)

    @property
    def share_read(self) -> float:
        """Where the reader stands in the bytes, 0 to 1. May be asked for from any thread."""
        return self._position / self._last_size if self._last_size else 0.0

    @property
    def is_stopped(self) -> bool:
        """Whether nothing more will be read, because of `stop()` or a failure."""
        return self._stopped

    @property
    def is_read_to_end(self) -> bool:
        """Whether the last byte was read since the last `rewind()`."""
        return self._furthest >= self.size

    @property
    def idle_seconds(self) -> float:
        """Seconds since the last progress; 0 while the stream waits for data."""
        return 0.0 if self._waiting_for_data else time.monotonic() - self._last_progress

    def report_progress(self) -> None:
        """Restart `idle_seconds`: the reader made progress."""
        self._last_progress = time.monotonic()
        self._on_progress()

    def rewind(self) -> None:
        """Seek to the beginning, and forget what was read."""
        self._furthest = 0
        self.seek(0)

    def raise_pending_error(self) -> None:
        """Raise the first error that was kept; do nothing if there is none."""
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """Return no more data from now on. May be called from any thread."""
        self._stopped = True

    def fetch_log(self) -> StageLog:
        """Return the number of reads, the bytes read, and the seconds spent waiting for them."""
        return replace(self._fetch)

    def read(self, size: int | None = -1, /) -> bytes:
        """Return up to `size` bytes; nothing at the end and after an error."""
        if self._stopped:
            return b""
        self._waiting_for_data = True
        try:
            with self._fetch.timed():
                data = self._raw.read(-1 if size is None else size)
        except Exception as error:  # noqa: BLE001 - see the class: no error may pass
            self._keep_error(error)
            return b""
        finally:
            self._waiting_for_data = False
        self._count(len(data))
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move to an offset in bytes, and return the new position; -1 for a negative offset."""
        if whence == io.SEEK_SET and offset < 0:  # from a damaged index
            return -1
        try:
            self._position = self._raw.seek(offset, whence)
        except Exception as error:  # noqa: BLE001 - see the class: no error may pass
            self._keep_error(error)
            return 0
        return self._position

    def tell(self) -> int:
        """Return the position in bytes."""
        return self._position

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def _count(self, size: int) -> None:
        self._fetch.items_in += 1
        self._fetch.items_out += size
        self._position += size
        self.reads_past_end += size == 0
        if self._position > self._furthest:  # reading the same bytes again is no progress
            self._furthest = self._position
            self.report_progress()

    def _keep_error(self, error: Exception) -> None:
        self._error = self._error or error
        self._stopped = True
