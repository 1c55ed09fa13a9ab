"""The elements of Matroska and WebM files. RFC 8794 (EBML) and RFC 9559 (Matroska)."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.storage.source import ByteStream

_SEGMENT, _TRACKS, _CLUSTER = 0x18538067, 0x1654AE6B, 0x1F43B675
_TRACK_ENTRY, _TRACK_TYPE, _VIDEO = 0xAE, 0x83, 1
_ENCODINGS, _ENCODING, _ENCRYPTION, _ALGORITHM = 0x6D80, 0x6240, 0x5035, 0x47E1
# The id and the size of an element have at most 4 and 8 bytes, and so has a number in one.
_HEADER_BYTES, _NUMBER_BYTES = 12, 8
# More elements beside each other are read by no question here.
_MOST_ELEMENTS = 10_000


@dataclass(frozen=True, slots=True)
class Element:
    """An element.

    Attributes:
        number: its EBML id.
        start: offset of its content in the file, in bytes.
        end: offset of the byte after it; that of its parent if its size is unknown, or too large.
        declared_end: offset of the byte after it by its size; `end` if its size is unknown.
    """

    number: int
    start: int
    end: int
    declared_end: int


def has_only_header(stream: ByteStream) -> bool:
    """Tell whether a file has the description of its tracks, but no cluster, which has the frames.

    Bytes that are no elements may have been clusters before they were damaged.

    Raises:
        OSError: the stream cannot be read.
    """
    elements = list(_top_elements(stream))
    numbers = {element.number for element in elements}
    is_header = _TRACKS in numbers and _CLUSTER not in numbers
    return is_header and elements[-1].end == stream.seek(0, io.SEEK_END)


def declared_bytes(stream: ByteStream) -> int | None:
    """Return the size of the file that its segment gives; None if it gives none.

    Raises:
        OSError: the stream cannot be read.
    """
    elements = _elements(stream, 0, stream.seek(0, io.SEEK_END))
    ends = (element.declared_end for element in elements if element.number == _SEGMENT)
    return next(ends, None)


def is_encrypted(stream: ByteStream) -> bool:
    """Tell whether each video track of a file is encrypted.

    Raises:
        OSError: the stream cannot be read.
    """
    tracks = next((part for part in _top_elements(stream) if part.number == _TRACKS), None)
    if tracks is None:
        return False
    videos = [
        entry for entry in _children(stream, tracks, _TRACK_ENTRY) if _is_video(stream, entry)
    ]
    return bool(videos) and all(_is_encrypted_track(stream, video) for video in videos)


def _top_elements(stream: ByteStream) -> Iterator[Element]:
    """Yield the elements in the segment, and those of a file that starts within a segment."""
    for element in _elements(stream, 0, stream.seek(0, io.SEEK_END)):
        if element.number == _SEGMENT:
            yield from _elements(stream, element.start, element.end)
        else:
            yield element


def _is_video(stream: ByteStream, track: Element) -> bool:
    kinds = _children(stream, track, _TRACK_TYPE)
    return any(_number(stream, kind) == _VIDEO for kind in kinds)


def _is_encrypted_track(stream: ByteStream, track: Element) -> bool:
    return any(
        _number(stream, algorithm)  # 0, which is also the default: signed, and not encrypted
        for encodings in _children(stream, track, _ENCODINGS)
        for encoding in _children(stream, encodings, _ENCODING)
        for encryption in _children(stream, encoding, _ENCRYPTION)
        for algorithm in _children(stream, encryption, _ALGORITHM)
    )


def _number(stream: ByteStream, element: Element) -> int:
    size = min(_NUMBER_BYTES, element.end - element.start)
    return int.from_bytes(_bytes_at(stream, element.start, size))


def _children(stream: ByteStream, parent: Element, number: int) -> Iterator[Element]:
    children = _elements(stream, parent.start, parent.end)
    return (element for element in children if element.number == number)


def _elements(stream: ByteStream, offset: int, end: int) -> Iterator[Element]:
    for _ in range(_MOST_ELEMENTS):
        header = _bytes_at(stream, offset, min(_HEADER_BYTES, max(0, end - offset)))
        number_bytes = _length(header, 0)
        size_bytes = _length(header, number_bytes)
        if not number_bytes or not size_bytes:
            return
        start = offset + number_bytes + size_bytes
        size_field = int.from_bytes(header[number_bytes : number_bytes + size_bytes])
        size = size_field & (1 << 7 * size_bytes) - 1
        is_unknown = size == (1 << 7 * size_bytes) - 1
        offset = end if is_unknown else start + size
        yield Element(int.from_bytes(header[:number_bytes]), start, min(offset, end), offset)


def _length(header: bytes, at: int) -> int:
    """Return the length of a number in bytes, which its first bits give; 0 if there is none."""
    if at >= len(header) or not header[at]:
        return 0
    length = 9 - header[at].bit_length()
    return length if at + length <= len(header) else 0


def _bytes_at(stream: ByteStream, offset: int, count: int) -> bytes:
    stream.seek(offset)
    return stream.read(count)
