"""Find fragments of an mp4 that FFmpeg did not reach.

FFmpeg takes a box of zeros for one that goes on to the end of the file, and stops there without an
error. Behind the last fragment, an intact file has at most an index and free space.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.storage.source import ByteStream

_HEADER_BYTES, _LARGE_HEADER_BYTES = 8, 16
_BOXES_OF_FRAMES = {b"moof", b"mdat"}
# More boxes in a row are no tail.
_MOST_BOXES = 100


def unread_bytes(stream: ByteStream, offset: int, size_bytes: int) -> int:
    """Return how many bytes of a file, from its first unread fragment or damaged box on, are left.

    Args:
        stream: the file; it is left anywhere.
        offset: where the last frame ends that was read, in bytes.
        size_bytes: size of the file.

    Raises:
        OSError: the stream cannot be read.
    """
    for _ in range(_MOST_BOXES):
        left = size_bytes - offset
        if left < _HEADER_BYTES:
            return 0
        stream.seek(offset)
        header = stream.read(_LARGE_HEADER_BYTES)
        size, kind = int.from_bytes(header[:4]), header[4:8]
        if size == 1:
            size = int.from_bytes(header[8:])
        is_box = _HEADER_BYTES <= size <= left and kind.isascii() and kind.decode().isprintable()
        if not is_box or kind in _BOXES_OF_FRAMES:
            return left
        offset += size
    return 0
