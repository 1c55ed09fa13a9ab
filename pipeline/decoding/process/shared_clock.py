"""A clock in memory that the parent and the child share."""

from __future__ import annotations

import mmap
import os
import struct
import time

from pipeline.decoding.process.memory_file import create_memory_file, seal_size

_CLOCK = struct.Struct("d")


class SharedClock:
    """When the child made progress last, on the monotonic clock, which all processes share."""

    def __init__(self, descriptor: int) -> None:
        """Map the clock.

        Args:
            descriptor: that of `create`; the caller closes it.
        """
        self._memory = mmap.mmap(descriptor, _CLOCK.size)

    @staticmethod
    def create() -> int:
        """Return the descriptor of a new clock, which stands at this moment."""
        descriptor = create_memory_file("clock", _CLOCK.size)
        seal_size(descriptor)
        os.pwrite(descriptor, _CLOCK.pack(time.monotonic()), 0)
        return descriptor

    def set(self) -> None:
        """Note that there was progress now."""
        self._memory[: _CLOCK.size] = _CLOCK.pack(time.monotonic())

    def idle_seconds(self) -> float:
        """Return the seconds since the last progress."""
        (last,) = _CLOCK.unpack(self._memory[: _CLOCK.size])
        return max(0.0, time.monotonic() - float(last))
