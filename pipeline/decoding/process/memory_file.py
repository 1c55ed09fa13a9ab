"""Memory with a file descriptor, which a socket can hand over to another process.

Lambda has no /dev/shm. https://man7.org/linux/man-pages/man2/memfd_create.2.html
"""

from __future__ import annotations

import os
import sys

if sys.platform == "linux":
    import fcntl

# Python has no names for these on all platforms: https://man7.org/linux/man-pages/man2/fcntl.2.html
_F_ADD_SEALS, _SEAL_SIZE = 1033, 0x0001 | 0x0002 | 0x0004  # seal, shrink, grow


def create_memory_file(name: str, size: int) -> int:
    """Return the descriptor of new memory of so many bytes. The name helps to find faults."""
    descriptor = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(descriptor, size)
    return descriptor


def seal_size(descriptor: int) -> None:
    """Fix the size of the memory for ever, also for other processes that have it.

    Raises:
        OSError: the descriptor is not that of such memory.
    """
    fcntl.fcntl(descriptor, _F_ADD_SEALS, _SEAL_SIZE)
