"""Convert decoded frames to BGR images, and detect images that were never written.

OpenCV 4.13 to 5.0 cannot convert interlaced frames: FFmpeg refuses, but `retrieve()` returns True
and its buffer as it is, which holds the image before or uninitialised memory. No property shows
this. So new memory is filled with a known value: a first image that holds only this value was
never written. https://github.com/vllm-project/vllm/pull/47853
"""

from __future__ import annotations

import ctypes
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from pipeline.decoding.refusals import refused_error, unwritten_error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.decoding.backend import Capture, ConversionCheck
    from pipeline.frame import Image

_FILL_BYTE = 0xA5
# glibc fills what it allocates with the complement of this parameter; 0 turns it off.
# https://man7.org/linux/man-pages/man3/mallopt.3.html
_M_PERTURB = -6
# Comparing every 16th row is enough to see that an image equals the one before it.
_ROW_STEP = 16


class RepeatedFrameError(Exception):
    """The image of a sampled frame equals the one before it, so it may not be its own."""

    def __init__(self, index: int, segment: int) -> None:
        super().__init__(index)
        self.index = index
        self.segment = segment


class FrameRetriever:
    """Retrieves images from one capture.

    Attributes:
        repeats_previous: whether the last image equals the one before it. Either the scene stands
            still, or the image was never written; retrieving it first from a new capture shows
            which. Always False where FFmpeg says which images it did not write.
    """

    def __init__(
        self, capture: Capture, name: str, conversion_failed: ConversionCheck | None
    ) -> None:
        """Create a retriever for a capture from which nothing was retrieved.

        Args:
            capture: the capture.
            name: name of the video in messages.
            conversion_failed: tells after each image whether FFmpeg refused to convert it; None:
                unknown, so that memory is filled and images are compared.
        """
        self.repeats_previous = False
        self._capture = capture
        self._name = name
        self._conversion_failed = conversion_failed
        self._previous: Image | None = None

    def retrieve(self, index: int) -> Image | None:
        """Return the current frame's image, H x W x 3 uint8 BGR; None if there is none.

        Args:
            index: its frame index.

        Raises:
            RejectedError: the backend cannot convert the frame.
        """
        if self._conversion_failed is not None:
            return self._certain_image(index, self._conversion_failed)
        image = self._first_image(index) if self._previous is None else self._capture.retrieve()
        if image is not None:
            rows = slice(None, None, _ROW_STEP)
            self.repeats_previous = self._previous is not None and np.array_equal(
                image[rows], self._previous[rows]
            )
            self._previous = image
        return image

    def _certain_image(self, index: int, conversion_failed: ConversionCheck) -> Image | None:
        image = self._capture.retrieve()
        said = conversion_failed()
        if said is not None:
            raise refused_error(self._name, index, said)
        return image

    def _first_image(self, index: int) -> Image | None:
        with _filled_memory():
            image = self._capture.retrieve()
        if image is not None and bool((image == _FILL_BYTE).all()):
            raise unwritten_error(self._name, index)
        return image


@contextmanager
def _filled_memory() -> Iterator[None]:
    """Fill all memory that is allocated in this block. Does nothing without glibc."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", lambda _parameter, _value: 0)
    mallopt(_M_PERTURB, _FILL_BYTE ^ 0xFF)
    try:
        yield
    finally:
        mallopt(_M_PERTURB, 0)
