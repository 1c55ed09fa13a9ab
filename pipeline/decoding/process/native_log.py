"""The child's log: what FFmpeg says of images that it refuses to convert.

OpenCV's `retrieve()` returns True for an image that FFmpeg's scaler refused, with the old bytes of
its buffer. But the scaler logs an error for each such image.
"""

from __future__ import annotations

import ctypes
import os

# What libswscale logs before it returns an error. The second part is its words for the formats.
# https://ffmpeg.org/doxygen/8.1/libswscale_2graph_8c_source.html
_REFUSALS = (b"Cannot convert", b"Unsupported input", b"Unsupported output")
_LONGEST_SENTENCE = 300
_LONGEST_LOG_BYTES = 1_000_000


class NativeLog:
    """Reads what this process and its libraries logged since the last look, and forgets it.

    A damaged video logs an error for each packet, so the log must not be kept.
    """

    def __init__(self, descriptor: int) -> None:
        """Create a reader.

        Args:
            descriptor: the file that standard output and standard error write to.
        """
        self._descriptor = descriptor

    def refusal(self) -> str | None:
        """Return what FFmpeg said of an image that it refused; None if it refused none."""
        size = os.fstat(self._descriptor).st_size
        if size == 0:
            return None
        logged = os.pread(self._descriptor, size, 0)
        self._forget()
        starts = [start for words in _REFUSALS if (start := logged.find(words)) >= 0]
        if not starts:
            return None
        sentence = logged[min(starts) :].decode(errors="replace")
        return " ".join(sentence[:_LONGEST_SENTENCE].split())

    def trim(self) -> None:
        """Forget a log that has become long. Call it between images."""
        if os.fstat(self._descriptor).st_size > _LONGEST_LOG_BYTES:
            self._forget()

    def _forget(self) -> None:
        os.ftruncate(self._descriptor, 0)
        os.lseek(self._descriptor, 0, os.SEEK_SET)


def unbuffer_native_output() -> None:
    """Write each line of native libraries to the log at once, so that no refusal is seen late."""
    libc = ctypes.CDLL(None)
    stdout = ctypes.c_void_p.in_dll(libc, "stdout")
    libc.setvbuf(stdout, None, 2, 0)  # _IONBF
