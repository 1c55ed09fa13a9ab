"""JPEG images one after the other, as in Motion JPEG without a container. ITU-T T.81, annex B."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.storage.source import ByteStream

# A photo of a phone can hold up to three images: itself, a preview, and a map of depth or gain.
_FEWEST_IMAGES = 4
_START, _END, _SCAN = b"\xff\xd8", b"\xff\xd9", b"\xff\xda"
_FILL = b"\xff\xff"  # any number of these bytes may stand before a marker
_NEXT_START = b"\xff\xd8\xff"
# What recorders put between two images: up to a multiple of a block, or ends of lines.
_PADDING = b"\0\xff\r\n"
# The end of the data of a scan: a marker that is neither a stuffed byte nor a restart.
_MARKER_AFTER_SCAN = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
_BLOCK_BYTES = 2**16
# More segments in an image, or bytes between two images, are read as damage.
_MOST_SEGMENTS, _MOST_PADDING_BYTES = 1000, 8192
# The next image after a damaged one is looked for in so many bytes, and after so many images.
_MOST_DAMAGED_BYTES, _MOST_DAMAGED_IMAGES = 2**20, 20


def is_film(stream: ByteStream) -> bool:
    """Tell whether a file begins with so many JPEG images that it is no photo.

    They must follow each other: behind a photo of a phone, there may be a short film. Images that
    are damaged or cut short do not count.

    Raises:
        OSError: the stream cannot be read.
    """
    offset, whole, damaged = 0, 0, 0
    while whole < _FEWEST_IMAGES:
        start = _start_of_image(stream, offset)
        if start is None or damaged > _MOST_DAMAGED_IMAGES:
            return False
        offset, is_whole = _end_of_image(stream, start)
        if is_whole:
            whole += 1
        else:
            damaged += 1
            offset = _next_start(stream, offset)
    return True


def _start_of_image(stream: ByteStream, offset: int) -> int | None:
    """Return where an image begins, behind padding; None if none begins here."""
    stream.seek(offset)
    data = stream.read(_MOST_PADDING_BYTES)
    start = len(data) - len(data.lstrip(_PADDING)) - 1  # padding has the first byte of the marker
    return offset + start if start >= 0 and data[start : start + 2] == _START else None


def _end_of_image(stream: ByteStream, offset: int) -> tuple[int, bool]:
    """Return where an image ends or is damaged, and whether it is whole."""
    offset += len(_START)
    for _ in range(_MOST_SEGMENTS):
        stream.seek(offset)
        header = stream.read(4)
        marker = header[:2]
        if marker == _END:
            return offset + len(_END), True
        if marker == _FILL:
            offset += 1
            continue
        is_segment = marker.startswith(b"\xff") and marker != _START
        if not is_segment or len(header) < 4:  # noqa: PLR2004 - marker and length
            break
        offset += 2 + int.from_bytes(header[2:])
        if marker == _SCAN:
            end = _end_of_scan(stream, offset)
            if end is None:
                break
            offset = end
    return offset, False


def _next_start(stream: ByteStream, offset: int) -> int:
    """Return where the next image may begin after damage."""
    stream.seek(offset)
    return offset + max(0, stream.read(_MOST_DAMAGED_BYTES).find(_NEXT_START))


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
