"""JPEG images one after the other, as in Motion JPEG without a container. ITU-T T.81, annex B."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.storage.source import ByteStream

# A photo of a phone can hold up to three images: itself, a preview, and a map of depth or gain.
_FEWEST_IMAGES = 4
_START, _END, _SCAN = b"\xff\xd8", b"\xff\xd9", b"\xff\xda"
# The end of the data of a scan: a marker that is neither a stuffed byte nor a restart.
_MARKER_AFTER_SCAN = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
_BLOCK_BYTES = 2**16
# More segments in an image, or bytes between two images, are read as damage.
_MOST_SEGMENTS, _MOST_PADDING_BYTES = 1000, 64


def is_film(stream: ByteStream) -> bool:
    """Tell whether a file begins with so many JPEG images that it is no photo.

    They must follow each other: behind a photo of a phone, there may be a short film.

    Raises:
        OSError: the stream cannot be read.
    """
    offset = 0
    for _ in range(_FEWEST_IMAGES):
        end = _end_of_image(stream, offset)
        if end is None:
            return False
        offset = end
    return True


def _end_of_image(stream: ByteStream, offset: int) -> int | None:
    """Return where an image ends; None if none begins here, or it is damaged."""
    stream.seek(offset)
    data = stream.read(_MOST_PADDING_BYTES)
    padding = len(data) - len(data.lstrip(b"\0"))
    if data[padding : padding + 2] != _START:
        return None
    offset += padding + len(_START)
    for _ in range(_MOST_SEGMENTS):
        stream.seek(offset)
        header = stream.read(4)
        marker = header[:2]
        if marker == _END:
            return offset + len(_END)
        if not marker.startswith(b"\xff") or len(header) < 4:  # noqa: PLR2004 - marker and length
            return None
        offset += 2 + int.from_bytes(header[2:])
        if marker == _SCAN:
            end = _end_of_scan(stream, offset)
            if end is None:
                return None
            offset = end
    return None


def _end_of_scan(stream: ByteStream, offset: int) -> int | None:
    """Return where the data of a scan ends, which is at the next marker; None if there is none."""
    while True:
        stream.seek(offset)
        block = stream.read(_BLOCK_BYTES)
        match = _MARKER_AFTER_SCAN.search(block)
        if match:
            return offset + match.start()
        if len(block) < 2:  # noqa: PLR2004 - a marker has two bytes
            return None
        offset += len(block) - 1  # its last byte may begin a marker
