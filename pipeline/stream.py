"""What a video is read from, and what OpenCV may read it from: a stream that never raises."""

from __future__ import annotations

import io
import time
from dataclasses import replace
from typing import Protocol

from pipeline.runlog import Stage


class ByteStream(Protocol):
    """Bytes that can be read anywhere: a file, a `BytesIO`, an object in S3."""

    def read(self, size: int = -1, /) -> bytes:
        """Return up to `size` bytes, fewer only at the end; all the rest if negative."""

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move, and return the new position in bytes."""


class GuardedStream(io.BufferedIOBase):
    """Wraps a readable, seekable stream; keeps an error for later instead of raising it.

    An exception inside the callbacks of `cv2.VideoCapture` ends the whole process. So a failed
    read looks like the end of the file, and whoever called OpenCV calls `check()` afterwards.

    Attributes:
        empty_reads: how often there was nothing more to read.
    """

    def __init__(self, raw: ByteStream) -> None:
        self._raw = raw
        self._error: Exception | None = None
        self._ended = False
        self._fetch = Stage("fetch")
        self._position = 0
        self._furthest = 0
        self._waiting = False
        self.empty_reads = 0
        self._beat = time.monotonic()

    @property
    def size(self) -> int:
        """The length in bytes."""
        before = self._position
        size = self.seek(0, io.SEEK_END)
        self.seek(before)
        return size

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will be read: it was told to end, or failed."""
        return self._ended

    @property
    def is_read_to_end(self) -> bool:
        """Whether the last byte was read since it was rewound."""
        return self._furthest >= self.size

    @property
    def silent_seconds(self) -> float:
        """Seconds since something new was read or the reader got on; 0 while data is awaited."""
        return 0.0 if self._waiting else time.monotonic() - self._beat

    def beat(self) -> None:
        """Tell that the reader got on."""
        self._beat = time.monotonic()

    def rewind(self) -> None:
        """Go to the beginning, as if nothing had been read yet."""
        self._furthest = 0
        self.seek(0)

    def check(self) -> None:
        """Raise the first error that was kept, if there is one."""
        if self._error is not None:
            raise self._error

    def end(self) -> None:
        """Read as ended from now on; any thread may ask for it."""
        self._ended = True

    def fetched(self) -> Stage:
        """Return what was read so far: reads, bytes, and seconds of waiting for them."""
        return replace(self._fetch)

    def read(self, size: int | None = -1, /) -> bytes:
        """Return up to `size` bytes; none at the end, and none after an error."""
        if self._ended:
            return b""
        self._waiting = True
        try:
            with self._fetch.timed():
                data = self._raw.read(-1 if size is None else size)
        except Exception as error:  # noqa: BLE001 - see above: whatever it is, it must not pass
            self._fail(error)
            return b""
        finally:
            self._waiting = False
        self._count(len(data))
        return data

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move to an offset in bytes, and return the new position; -1 if there is none such."""
        if whence == io.SEEK_SET and offset < 0:  # a damaged index may say so
            return -1
        try:
            self._position = self._raw.seek(offset, whence)
        except Exception as error:  # noqa: BLE001 - same
            self._fail(error)
            return 0
        return self._position

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that it can be moved in."""
        return True

    def _count(self, size: int) -> None:
        self._fetch.items_in += 1
        self._fetch.items_out += size
        self._position += size
        self.empty_reads += size == 0
        if self._position > self._furthest:  # reading the same again is no progress
            self._furthest = self._position
            self.beat()

    def _fail(self, error: Exception) -> None:
        self._error = self._error or error
        self._ended = True
