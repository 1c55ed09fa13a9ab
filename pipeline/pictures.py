"""The picture where a capture stands, if it really is that picture.

OpenCV (4.13 to 5.0 at least) cannot convert interlaced pictures: FFmpeg refuses, and `retrieve()`
hands out its buffer as it is, the picture before or memory never written, and says True. No
property tells. So the buffer is made of memory that is filled with a known value: a first picture
that is nothing but that value was never written. https://github.com/vllm-project/vllm/pull/47853
"""

from __future__ import annotations

import ctypes
from contextlib import contextmanager
from typing import TYPE_CHECKING

import cv2
import numpy as np

from pipeline.errors import RejectedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.frame import Image

_FILLING = 0xA5
# glibc fills what it allocates with the complement of this parameter; 0 turns it off.
# https://man7.org/linux/man-pages/man3/mallopt.3.html
_M_PERTURB = -6
# Every so many rows are enough to see that a picture is the one before it.
_ROWS_BETWEEN = 16


class Pictures:
    """Retrieves from one capture.

    Attributes:
        stands_still: whether the last picture is, pixel for pixel, the one before it: of a still
            scene, or never converted. As the first of another capture it shows which.
    """

    def __init__(self, capture: cv2.VideoCapture, name: str) -> None:
        """Start with a capture from which nothing was retrieved."""
        self.stands_still = False
        self._capture = capture
        self._name = name
        self._before: Image | None = None

    def take(self) -> Image | None:
        """Return the picture; None if there is none.

        Raises:
            RejectedError: OpenCV cannot convert it, because it is interlaced.
        """
        picture = self._first() if self._before is None else self._retrieved()
        if picture is not None:
            rows = slice(None, None, _ROWS_BETWEEN)
            self.stands_still = self._before is not None and np.array_equal(
                picture[rows], self._before[rows]
            )
            self._before = picture
        return picture

    def _first(self) -> Image | None:
        with _filled_memory():
            picture = self._retrieved()
        if picture is not None and bool((picture == _FILLING).all()):
            raise RejectedError(
                "interlaced",
                f"{self._name} is interlaced, which OpenCV cannot turn into pictures. "
                "Deinterlace it first: ffmpeg -i IN -vf bwdif OUT.mp4",
            )
        return picture

    def _retrieved(self) -> Image | None:
        converted, image = self._capture.retrieve()
        return np.asarray(image, dtype=np.uint8) if converted else None


def fourcc(capture: cv2.VideoCapture) -> str:
    """Return the codec's four characters; empty if there are none to show."""
    code = int(capture.get(cv2.CAP_PROP_FOURCC))
    name = code.to_bytes(4, "little", signed=code < 0).decode("latin-1").strip("\0")
    return name if name.isprintable() else ""


@contextmanager
def _filled_memory() -> Iterator[None]:
    """Fill all memory that is allocated meanwhile; C libraries other than glibc do not."""
    tune = getattr(ctypes.CDLL(None), "mallopt", lambda _parameter, _value: 0)
    tune(_M_PERTURB, _FILLING ^ 0xFF)
    try:
        yield
    finally:
        tune(_M_PERTURB, 0)
