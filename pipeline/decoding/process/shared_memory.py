"""Images and a clock in memory that the parent and the child share.

Lambda has no /dev/shm. A memfd is memory with a file descriptor, which a socket can hand over.
https://man7.org/linux/man-pages/man2/memfd_create.2.html
"""

from __future__ import annotations

import mmap
import os
import struct
import sys
import time
import weakref
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if sys.platform == "linux":
    import fcntl

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.frame import Image

_CLOCK = struct.Struct("d")
# Python has no names for these on all platforms: https://man7.org/linux/man-pages/man2/fcntl.2.html
_F_ADD_SEALS, _SEAL_SIZE = 1033, 0x0001 | 0x0002 | 0x0004  # seal, shrink, grow


def _create(name: str, size: int) -> int:
    descriptor = os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(descriptor, size)
    return descriptor


class WrittenImage(NamedTuple):
    """Where an image is.

    Attributes:
        number: number of its memory.
        descriptor: that of the memory if it is new. The caller closes it after handing it over.
        dropped: numbers of memory that is not used any more.
    """

    number: int
    descriptor: int | None
    dropped: list[int]


class ImageWriter:
    """The child's side: copies images to shared memory, which it uses again when it is free."""

    def __init__(self) -> None:
        self._memory: dict[int, mmap.mmap] = {}
        self._free: list[int] = []
        self._created = 0

    def write(self, image: Image) -> WrittenImage:
        """Copy an image, H x W x 3 uint8, to free memory.

        If the size of the images changes, the free memory of the other sizes is dropped.
        """
        dropped = [each for each in self._free if len(self._memory[each]) != image.nbytes]
        for number in dropped:
            self._free.remove(number)
            del self._memory[number]
        descriptor = None
        if self._free:
            number = self._free.pop()
        else:
            number, self._created = self._created, self._created + 1
            descriptor = _create("image", image.nbytes)
            self._memory[number] = mmap.mmap(descriptor, image.nbytes)
        shared = np.frombuffer(self._memory[number], np.uint8)
        np.copyto(shared.reshape(image.shape), image)
        return WrittenImage(number, descriptor, dropped)

    def free(self, numbers: list[int]) -> None:
        """Use the memory with these numbers again."""
        self._free += numbers


class ImageReader:
    """The parent's side: images in shared memory, without a copy."""

    def __init__(self) -> None:
        self._memory: dict[int, mmap.mmap] = {}
        self._freed: list[int] = []

    def add(self, number: int, descriptor: int) -> None:
        """Map new memory, and close its descriptor. Its size can then no longer change.

        Raises:
            OSError: the descriptor is not that of such memory.
        """
        try:
            fcntl.fcntl(descriptor, _F_ADD_SEALS, _SEAL_SIZE)
            self._memory[number] = mmap.mmap(descriptor, 0)
        finally:
            os.close(descriptor)

    def drop(self, numbers: list[int]) -> None:
        """Unmap memory that is free and not used any more.

        Raises:
            KeyError: there is no such memory.
        """
        for number in numbers:
            # Not closed: should an image still use it, it is unmapped when the image is gone.
            del self._memory[number]

    def read(self, number: int, height: int, width: int) -> Image:
        """Return the image in a memory. The memory is free when nobody uses the array any more.

        Raises:
            ValueError: the memory is smaller than the image, or the size is none of an image.
            KeyError: there is no such memory.
        """
        if height <= 0 or width <= 0:
            raise ValueError(f"An image cannot have {width}x{height} pixels.")
        shared: NDArray[np.uint8] = np.frombuffer(
            self._memory[number], np.uint8, count=height * width * 3
        )
        # All arrays that are made of this one keep it alive.
        weakref.finalize(shared, self._freed.append, number)
        return shared.reshape(height, width, 3)

    def take_freed(self) -> list[int]:
        """Return the numbers of the memory that became free since the last call."""
        freed = []
        while self._freed:
            freed.append(self._freed.pop())
        return freed


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
        descriptor = _create("clock", _CLOCK.size)
        fcntl.fcntl(descriptor, _F_ADD_SEALS, _SEAL_SIZE)
        os.pwrite(descriptor, _CLOCK.pack(time.monotonic()), 0)
        return descriptor

    def set(self) -> None:
        """Note that there was progress now."""
        self._memory[: _CLOCK.size] = _CLOCK.pack(time.monotonic())

    def idle_seconds(self) -> float:
        """Return the seconds since the last progress."""
        (last,) = _CLOCK.unpack(self._memory[: _CLOCK.size])
        return max(0.0, time.monotonic() - float(last))
