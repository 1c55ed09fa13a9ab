"""Know by a file's first bytes that OpenCV misreads it."""

from __future__ import annotations

import struct

_RAW = b"\0\0\0\0"
# Raw video whose rows FFmpeg takes from the bottom up whatever the height says.
_ALWAYS_BOTTOM_UP = b"WRAW"
# strf: 4 bytes of name, 4 of size, then BITMAPINFOHEADER: size, width, height, planes, bits, codec.
# https://learn.microsoft.com/windows/win32/api/wingdi/ns-wingdi-bitmapinfoheader
_STREAM_FORMAT = struct.Struct("<4sIIiiHH4s")
_BITS_OF_BGR24 = 24


def opencv_misreads(head: bytes) -> str | None:
    """Return why OpenCV must not decode a file, as the end of a sentence; None if it may.

    An AVI with raw 24-bit images whose rows run from the bottom up makes OpenCV's wheels from 4.13
    on read and write outside of the image, which ends the process. Raw images of 1, 4, 8, 16 and
    32 bits are read rightly: only those of 24 bits are copied and not converted.

    Args:
        head: the first bytes of the file, as many as the container is detected with.
    """
    if not (head.startswith(b"RIFF") and head[8:12] in {b"AVI ", b"AVIX"}):
        return None
    place = head.find(b"strf")
    while 0 <= place <= len(head) - _STREAM_FORMAT.size:
        _, _, _, _, height, _, bits, codec = _STREAM_FORMAT.unpack_from(head, place)
        is_bottom_up = (codec == _RAW and height > 0) or codec == _ALWAYS_BOTTOM_UP
        if is_bottom_up and bits == _BITS_OF_BGR24:
            return "has raw images whose rows run from the bottom up"
        place = head.find(b"strf", place + 1)
    return None
