"""The boxes of ISO files: mp4, mov, 3gp, and photos in HEIC and AVIF.

ISO/IEC 14496-12 (boxes and sample entries), 23001-7 (encryption), 23008-12 (photos).
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.storage.source import ByteStream

_HEADER_BYTES = 8
_LARGE_HEADER_BYTES = 16
# More boxes beside each other are read by no question here.
_MOST_BOXES = 10_000
# What stands before the boxes in a box: version, flags and count; the fields of a video track.
_STSD_FIELDS, _VIDEO_ENTRY_FIELDS = 8, 78
_HANDLER_AT, _SAMPLE_COUNT_AT = 8, 8
_IS_PROTECTED_AT = 6
_DRM_ENTRY = b"drmi"
_PROTECTED_ENTRIES = {b"encv", _DRM_ENTRY}
_SAMPLE_ENCRYPTION = {b"senc", b"saiz"}
_PIFF_SAMPLE_ENCRYPTION = UUID("a2394f52-5a9b-4f14-a244-6c427c648df4").bytes
PHOTO_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1", b"avif", b"avis"} | {
    b"jp2 ",
    b"jpx ",
    b"jph ",
}
_BOXES_OF_SAMPLES = {b"moof", b"mdat"}
# The box that Motion JPEG 2000 and photos of JPEG 2000 begin with.
_JPEG_2000 = b"\0\0\0\x0cjP  \r\n\x87\n"


@dataclass(frozen=True, slots=True)
class Box:
    """A box.

    Attributes:
        kind: its four characters.
        start: offset of its content in the file, in bytes.
        end: offset of the byte after it.
        is_complete: whether it ends within the file or the box around it.
    """

    kind: bytes
    start: int
    end: int
    is_complete: bool


def top_level_boxes(stream: ByteStream) -> Iterator[Box]:
    """Yield the boxes of a file. Ends at a damaged one.

    Raises:
        OSError: the stream cannot be read.
    """
    yield from _boxes(stream, 0, stream.seek(0, io.SEEK_END))


def is_photo(head: bytes) -> bool:
    """Tell by the first bytes of a file whether it is a photo or a sequence of photos.

    Args:
        head: the first bytes, with the whole box `ftyp`.
    """
    head = head.removeprefix(_JPEG_2000)
    brands = head[8 : int.from_bytes(head[:4])]
    names = (brands[at : at + 4] for at in range(0, len(brands), 4))
    return head[4:8] == b"ftyp" and not PHOTO_BRANDS.isdisjoint(names)


def movie(stream: ByteStream) -> Box | None:
    """Return the index of a file, `moov`; None if it has none, or only a part of it.

    Raises:
        OSError: the stream cannot be read.
    """
    boxes = (box for box in top_level_boxes(stream) if box.kind == b"moov")
    return next((box for box in boxes if box.is_complete), None)


def expects_fragments(stream: ByteStream) -> bool:
    """Tell whether the index of a file says that the frames come in fragments (`moof`).

    Raises:
        OSError: the stream cannot be read.
    """
    index = movie(stream)
    return index is not None and any(_children(stream, index, b"mvex"))


def lacks_samples(stream: ByteStream) -> bool:
    """Tell whether a file is cut off before or within the samples that its index or a fragment has.

    Raises:
        OSError: the stream cannot be read.
    """
    boxes = [box for box in top_level_boxes(stream) if box.kind in _BOXES_OF_SAMPLES]
    if boxes:
        return not boxes[-1].is_complete or boxes[-1].kind == b"moof"
    return any(_counts_samples(stream, table) for table in _video_tables(stream))


def is_encrypted(stream: ByteStream) -> bool:
    """Tell whether each video track of a file is protected, and samples of it are encrypted.

    Raises:
        OSError: the stream cannot be read.
    """
    tables = _video_tables(stream)
    if not _are_protected(stream, tables):
        return False
    kinds = {entry.kind for table in tables for entry in _entries(stream, table)}
    return _DRM_ENTRY in kinds or _has_sample_encryption(stream, tables)


def is_protected(stream: ByteStream) -> bool:
    """Tell whether each video track of a file is called protected. Its samples may be clear.

    Raises:
        OSError: the stream cannot be read.
    """
    return _are_protected(stream, _video_tables(stream))


def _video_tables(stream: ByteStream) -> list[Box]:
    """Return the table of samples (`stbl`) of each video track."""
    index = movie(stream)
    if index is None:
        return []
    return [
        table
        for track in _children(stream, index, b"trak")
        for media in _children(stream, track, b"mdia")
        if _is_video(stream, media)
        for information in _children(stream, media, b"minf")
        for table in _children(stream, information, b"stbl")
    ]


def _is_video(stream: ByteStream, media: Box) -> bool:
    return any(
        _bytes_at(stream, handler.start + _HANDLER_AT, 4) == b"vide"
        for handler in _children(stream, media, b"hdlr")
    )


def _counts_samples(stream: ByteStream, table: Box) -> bool:
    return any(
        any(_bytes_at(stream, sizes.start + _SAMPLE_COUNT_AT, 4))
        for kind in (b"stsz", b"stz2")
        for sizes in _children(stream, table, kind)
    )


def _entries(stream: ByteStream, table: Box) -> Iterator[Box]:
    for descriptions in _children(stream, table, b"stsd"):
        yield from _boxes(stream, descriptions.start + _STSD_FIELDS, descriptions.end)


def _are_protected(stream: ByteStream, tables: list[Box]) -> bool:
    """Tell whether each table has an entry that is called protected."""
    return bool(tables) and all(
        any(
            entry.kind in _PROTECTED_ENTRIES and not _is_left_clear(stream, entry)
            for entry in _entries(stream, table)
        )
        for table in tables
    )


def _has_sample_encryption(stream: ByteStream, tables: list[Box]) -> bool:
    """Tell whether a table or a fragment says how its samples are encrypted."""
    fragments = (
        part
        for box in top_level_boxes(stream)
        if box.kind == b"moof"
        for part in _children(stream, box, b"traf")
    )
    return any(
        box.kind in _SAMPLE_ENCRYPTION
        or (box.kind == b"uuid" and _bytes_at(stream, box.start, 16) == _PIFF_SAMPLE_ENCRYPTION)
        for place in chain(tables, fragments)
        for box in _boxes(stream, place.start, place.end)
    )


def _is_left_clear(stream: ByteStream, entry: Box) -> bool:
    """Tell whether a protected entry says that its samples are clear nevertheless."""
    inner = Box(entry.kind, entry.start + _VIDEO_ENTRY_FIELDS, entry.end, entry.is_complete)
    return any(
        _bytes_at(stream, defaults.start + _IS_PROTECTED_AT, 1) == b"\0"
        for scheme in _children(stream, inner, b"sinf")
        for information in _children(stream, scheme, b"schi")
        for defaults in _children(stream, information, b"tenc")
    )


def _children(stream: ByteStream, parent: Box, kind: bytes) -> Iterator[Box]:
    return (box for box in _boxes(stream, parent.start, parent.end) if box.kind == kind)


def _boxes(stream: ByteStream, offset: int, end: int) -> Iterator[Box]:
    for _ in range(_MOST_BOXES):
        if offset + _HEADER_BYTES > end:
            return
        header = _bytes_at(stream, offset, _LARGE_HEADER_BYTES)
        size, start = int.from_bytes(header[:4]), offset + _HEADER_BYTES
        if size == 1:  # a 64-bit size follows
            size, start = int.from_bytes(header[8:16]), offset + _LARGE_HEADER_BYTES
        if size == 0:  # to the end
            size = end - offset
        if size < start - offset:  # damaged
            return
        offset += size
        yield Box(header[4:8], start, min(offset, end), offset <= end)


def _bytes_at(stream: ByteStream, offset: int, count: int) -> bytes:
    stream.seek(offset)
    return stream.read(count)
