"""How long the header says a file is: its bytes and its time. FFmpeg tells neither for some files.

FFmpeg drops the length of an ASF file (WMV) whose size is not the one in its header, which is just
the file that was cut off. It does not read the length of fragmented mp4.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.decoding.containers.container import Container
    from pipeline.storage.source import ByteStream

# The header of ASF can have pictures in it; the properties come before them.
_ASF_HEAD_BYTES = 65_536
# https://learn.microsoft.com/en-us/windows/win32/wmformat/overview-of-the-asf-format
# ASF_File_Properties_Object, and where its fields are, from its GUID on.
_ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_ASF_FIELDS_BYTES = 92
_ASF_UNITS_PER_SECOND = 10_000_000
_ASF_IS_BROADCAST = 1
_RIFF_HEADER_BYTES = 8
# The first partition pack of MXF has the place of the last one. SMPTE ST 377-1, section 7.1
_MXF_HEAD_BYTES, _MXF_KEY_BYTES = 256, 16
# A fragmented mp4 has its index of fragments after few other boxes.
_MOST_BOXES = 8
_LARGEST_MOOV_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class Declared:
    """What a header says, besides what FFmpeg tells of it.

    Attributes:
        size_bytes: size of the file, or of a part that it must have; None if unknown.
        seconds: length of the longest stream; None if unknown.
    """

    size_bytes: int | None = None
    seconds: float | None = None


def read_declared(stream: ByteStream, container: Container) -> Declared:
    """Return what the header of a file says of its length. The stream may stand anywhere.

    Raises:
        OSError: the stream cannot be read.
    """
    match container.name:
        case "asf":
            return _asf(_head(stream, _ASF_HEAD_BYTES))
        case "avi":
            size = int.from_bytes(_head(stream, _RIFF_HEADER_BYTES)[4:], "little")
            return Declared(size_bytes=size + _RIFF_HEADER_BYTES)
        case "mxf":
            return _mxf(_head(stream, _MXF_HEAD_BYTES))
        case "mp4":
            return Declared(seconds=_fragments_seconds(_movie_box(stream)))
    return Declared()


def _head(stream: ByteStream, size: int) -> bytes:
    stream.seek(0)
    return stream.read(size)


def _asf(head: bytes) -> Declared:
    start = head.find(_ASF_PROPERTIES)
    fields = head[start : start + _ASF_FIELDS_BYTES]
    if start < 0 or len(fields) < _ASF_FIELDS_BYTES or fields[88] & _ASF_IS_BROADCAST:
        return Declared()
    size, play, preroll_ms = (int.from_bytes(fields[at : at + 8], "little") for at in (40, 64, 80))
    seconds = play / _ASF_UNITS_PER_SECOND - preroll_ms / 1000
    return Declared(size or None, seconds if seconds > 0 else None)


def _mxf(head: bytes) -> Declared:
    wide_length = head[_MXF_KEY_BYTES : _MXF_KEY_BYTES + 1] >= b"\x80"
    at = _MXF_KEY_BYTES + 1 + (head[_MXF_KEY_BYTES] & 0x7F if wide_length else 0)
    footer = int.from_bytes(head[at + 24 : at + 32])
    return Declared(size_bytes=footer + 1 if footer else None)


def _movie_box(stream: ByteStream) -> bytes:
    """Return the `moov` box of an mp4; nothing if it is not near the beginning."""
    offset = 0
    for _ in range(_MOST_BOXES):
        stream.seek(offset)
        header = stream.read(16)
        size = int.from_bytes(header[:4])
        if size == 1:
            size = int.from_bytes(header[8:16])
        if size < 8 or header[4:8] == b"mdat":  # noqa: PLR2004 - a box has at least its header
            return b""
        if header[4:8] == b"moov":
            stream.seek(offset)
            return stream.read(min(size, _LARGEST_MOOV_BYTES))
        offset += size
    return b""


def _fragments_seconds(movie: bytes) -> float | None:
    """Return the length in `mehd`, which says how long all fragments are together."""
    extends, header = movie.find(b"mehd"), movie.find(b"mvhd")
    if extends < 0 or header < 0:
        return None
    wide_length, wide_header = (movie[at + 4 : at + 5] == b"\1" for at in (extends, header))
    length = int.from_bytes(movie[extends + 8 : extends + (16 if wide_length else 12)])
    at = header + (24 if wide_header else 16)
    scale = int.from_bytes(movie[at : at + 4])
    return length / scale if length and scale else None
