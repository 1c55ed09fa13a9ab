"""The header of FLV files. Adobe Flash Video File Format Specification, version 10.1, annex E.5."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.storage.source import ByteStream

# `onMetaData` is the first tag; its list of key frames, which can be long, comes last.
_HEAD_BYTES = 4096
# The length of the key, the key, and the type of its value: a number of 64 bits.
_FILE_SIZE = b"\0\x08filesize\0"
_DOUBLE = struct.Struct(">d")


def declared_bytes(stream: ByteStream) -> float | None:
    """Return the size of the file that the header gives; None if it gives none.

    Raises:
        OSError: the stream cannot be read.
    """
    stream.seek(0)
    before, _, after = stream.read(_HEAD_BYTES).partition(_FILE_SIZE)
    if not before or len(after) < _DOUBLE.size:
        return None
    return float(_DOUBLE.unpack_from(after)[0])
