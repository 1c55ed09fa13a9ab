"""The header of ASF files (WMV, WMA).

https://learn.microsoft.com/windows/win32/wmformat/overview-of-the-asf-format
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from pipeline.storage.source import ByteStream

# The header object: its id, its size, the number of objects in it, and two reserved bytes.
_HEADER_BYTES, _OBJECT_HEADER_BYTES = 30, 24
_MOST_OBJECTS = 1000
_ENCRYPTION = {
    UUID("2211b3fb-bd23-11d2-b4b7-00a0c955fc6e").bytes_le,
    UUID("298ae614-2622-4c17-b935-dae07ee9289c").bytes_le,  # extended
}


def is_encrypted(stream: ByteStream) -> bool:
    """Tell whether the header of a file says that its content is encrypted.

    Raises:
        OSError: the stream cannot be read.
    """
    stream.seek(0)
    size = int.from_bytes(stream.read(_HEADER_BYTES)[16:24], "little")
    offset = _HEADER_BYTES
    for _ in range(_MOST_OBJECTS):
        stream.seek(offset)
        header = stream.read(_OBJECT_HEADER_BYTES)
        if header[:16] in _ENCRYPTION:
            return True
        offset += max(_OBJECT_HEADER_BYTES, int.from_bytes(header[16:], "little"))
        if offset >= size or not header:
            break
    return False
