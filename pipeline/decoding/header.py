"""What the header of an opened video says. Headers can be wrong; decoding shows what is true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2

if TYPE_CHECKING:
    from pipeline.decoding.container import Container


@dataclass(frozen=True, slots=True)
class HeaderInfo:
    """Length of a video according to its header.

    Attributes:
        seconds: length of the video or of its sound, whichever is longer; None if unknown.
        frames: number of frames in the container's index; None if the container has no index.
    """

    seconds: float | None = None
    frames: int | None = None


def read_header(capture: cv2.VideoCapture, container: Container, size_bytes: int) -> HeaderInfo:
    """Return what the header says.

    A header that gives more frames than the file has bytes is ignored.
    """
    rate = capture.get(cv2.CAP_PROP_FPS)
    count = capture.get(cv2.CAP_PROP_FRAME_COUNT)
    if not (rate > 0 and 0 < count <= size_bytes):
        return HeaderInfo()
    return HeaderInfo(count / rate, int(count) if container.has_index else None)


def codec_fourcc(capture: cv2.VideoCapture) -> str:
    """Return the four characters that name the codec; empty if they are not printable."""
    code = int(capture.get(cv2.CAP_PROP_FOURCC))
    name = code.to_bytes(4, "little", signed=code < 0).decode("latin-1").strip("\0")
    return name if name.isprintable() else ""
