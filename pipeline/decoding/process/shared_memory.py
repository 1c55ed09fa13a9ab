"""Images in memory that the parent and the child share."""

from __future__ import annotations

import mmap
import os
import weakref
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pipeline.decoding.process.memory_file import create_memory_file, seal_size

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.frame import Image


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
            descriptor = create_memory_file("image", image.nbytes)
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
            seal_size(descriptor)
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
