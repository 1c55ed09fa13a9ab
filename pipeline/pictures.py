"""The picture where a capture stands, if it really is that picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from pipeline.errors import RejectedError
from pipeline.interlacing import is_stale, may_interlace

if TYPE_CHECKING:
    from pipeline.frame import Image


class Pictures:
    """Retrieves from one capture.

    Attributes:
        doubtful: whether OpenCV may hand out other pictures than it should.
    """

    def __init__(self, capture: cv2.VideoCapture, name: str) -> None:
        self._capture = capture
        self._name = name
        self._before: Image | None = None
        self.doubtful = may_interlace(fourcc(capture), _header(capture))

    def check(self) -> None:
        """Look at the first two frames; the capture is used up then.

        Raises:
            RejectedError: the second is handed out as the first.
        """
        for _ in range(2):
            if self._capture.grab():
                self.take()

    def take(self) -> Image | None:
        """Return the picture; None if there is none.

        Raises:
            RejectedError: it is interlaced, and OpenCV handed out the picture before it.
        """
        converted, image = self._capture.retrieve()
        if not converted:
            return None
        picture = np.asarray(image, dtype=np.uint8)
        if self.doubtful:
            if self._before is not None and is_stale(picture, self._before):
                raise RejectedError(
                    "interlaced",
                    f"{self._name} is interlaced, which OpenCV cannot turn into pictures. "
                    "Deinterlace it first: ffmpeg -i IN -vf bwdif OUT.mp4",
                )
            self._before = picture
        return picture


def fourcc(capture: cv2.VideoCapture) -> str:
    """Return the codec's four characters; empty if there are none to show."""
    code = int(capture.get(cv2.CAP_PROP_FOURCC))
    name = code.to_bytes(4, "little", signed=code < 0).decode("latin-1").strip("\0")
    return name if name.isprintable() else ""


def _header(capture: cv2.VideoCapture) -> bytes:
    """Return the codec's extradata, which OpenCV keeps beside the pictures."""
    place = int(capture.get(cv2.CAP_PROP_CODEC_EXTRADATA_INDEX))
    found, data = capture.retrieve(flag=place)
    return bytes(np.asarray(data, dtype=np.uint8).ravel()) if found and data is not None else b""
