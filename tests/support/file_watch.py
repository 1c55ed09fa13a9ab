"""Tell whether any process opened a file, with Linux's inotify.

https://man7.org/linux/man-pages/man7/inotify.7.html
"""

import ctypes
import os
from pathlib import Path

_OPENED_OR_READ = 0x20 | 0x01  # IN_OPEN, IN_ACCESS


class FileWatch:
    """Watches the files of a folder, from its construction on."""

    def __init__(self, folder: Path) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._events = libc.inotify_init1(os.O_NONBLOCK)
        watched = libc.inotify_add_watch(self._events, os.fsencode(folder), _OPENED_OR_READ)
        assert self._events >= 0, os.strerror(ctypes.get_errno())
        assert watched >= 0, os.strerror(ctypes.get_errno())

    def was_read(self) -> bool:
        """Tell whether a file was opened or read since the last call."""
        try:
            return bool(os.read(self._events, 65536))
        except BlockingIOError:
            return False

    def close(self) -> None:
        """Stop watching."""
        os.close(self._events)
