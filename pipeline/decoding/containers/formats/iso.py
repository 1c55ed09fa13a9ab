"""The boxes of ISO files: mp4, mov, 3gp, and photos in HEIC and AVIF.

ISO/IEC 14496-12 (boxes and sample entries), 23008-12 (photos).
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.storage.source import ByteStream

_HEADER_BYTES = 8
_LARGE_HEADER_BYTES = 16
# More boxes beside each other are read by no question here.
_MOST_BOXES = 10_000
# What stands before the boxes in a box: version, flags and count; the fields of a video track.
_STSD_FIELDS = 8
VIDEO_ENTRY_FIELDS = 78
"""Size of the fields of a video track's sample entry, after which its boxes begin."""
_HANDLER_AT, _SAMPLE_COUNT_AT = 8, 8
PHOTO_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1", b"avif", b"avis"} | {
    b"jp2 ",
    b"jpx ",
    b"jph ",
}
# Canon's CR3. It has an index as a film has, of a preview and of raw data.
_RAW_PHOTO_BRAND = b"crx "
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
    yield from boxes(stream, 0, stream.seek(0, io.SEEK_END))


def is_photo(head: bytes) -> bool:
    """Tell by the first bytes of a file whether it is a photo or a sequence of photos.

    Args:
        head: the first bytes, with the whole box `ftyp`.
    """
    head = head.removeprefix(_JPEG_2000)
    brands = head[8 : int.from_bytes(head[:4])]
    names = (brands[at : at + 4] for at in range(0, len(brands), 4))
    return head[4:8] == b"ftyp" and not PHOTO_BRANDS.isdisjoint(names)


def is_raw_photo(head: bytes) -> bool:
    """Tell by the first bytes of a file whether it is a raw photo of a camera."""
    return head[4:12] == b"ftyp" + _RAW_PHOTO_BRAND


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
    return index is not None and any(children(stream, index, b"mvex"))


def lacks_samples(stream: ByteStream) -> bool:
    """Tell whether a file is cut off before or within the samples that its index or a fragment has.

    Raises:
        OSError: the stream cannot be read.
    """
    boxes = [box for box in top_level_boxes(stream) if box.kind in _BOXES_OF_SAMPLES]
    if boxes:
        return not boxes[-1].is_complete or boxes[-1].kind == b"moof"
    return any(_counts_samples(stream, table) for table in tables(stream, video_tracks(stream)))


def video_tracks(stream: ByteStream) -> list[Box]:
    """Return the box (`trak`) of each video track of a file."""
    index = movie(stream)
    if index is None:
        return []
    return [
        track
        for track in children(stream, index, b"trak")
        if any(_is_video(stream, media) for media in children(stream, track, b"mdia"))
    ]


def tables(stream: ByteStream, tracks: list[Box]) -> list[Box]:
    """Return the table of samples (`stbl`) of each track."""
    return [
        table
        for track in tracks
        for media in children(stream, track, b"mdia")
        for information in children(stream, media, b"minf")
        for table in children(stream, information, b"stbl")
    ]


def _is_video(stream: ByteStream, media: Box) -> bool:
    return any(
        bytes_at(stream, handler.start + _HANDLER_AT, 4) == b"vide"
        for handler in children(stream, media, b"hdlr")
    )


def _counts_samples(stream: ByteStream, table: Box) -> bool:
    return any(
        any(bytes_at(stream, sizes.start + _SAMPLE_COUNT_AT, 4))
        for kind in (b"stsz", b"stz2")
        for sizes in children(stream, table, kind)
    )


def entries(stream: ByteStream, table: Box) -> Iterator[Box]:
    """Yield the sample entries of a table of samples: each says how some are coded."""
    for descriptions in children(stream, table, b"stsd"):
        yield from boxes(stream, descriptions.start + _STSD_FIELDS, descriptions.end)


def children(stream: ByteStream, parent: Box, kind: bytes) -> Iterator[Box]:
    """Yield the boxes of a kind in a box."""
    return (box for box in boxes(stream, parent.start, parent.end) if box.kind == kind)


def boxes(stream: ByteStream, offset: int, end: int) -> Iterator[Box]:
    """Yield the boxes in a range of bytes. Ends at a damaged one."""
    for _ in range(_MOST_BOXES):
        if offset + _HEADER_BYTES > end:
            return
        header = bytes_at(stream, offset, _LARGE_HEADER_BYTES)
        size, start = int.from_bytes(header[:4]), offset + _HEADER_BYTES
        if size == 1:  # a 64-bit size follows
            size, start = int.from_bytes(header[8:16]), offset + _LARGE_HEADER_BYTES
        if size == 0:  # to the end
            size = end - offset
        if size < start - offset:  # damaged
            return
        offset += size
        yield Box(header[4:8], start, min(offset, end), offset <= end)


def bytes_at(stream: ByteStream, offset: int, count: int) -> bytes:
    """Return so many bytes from an offset on; fewer at the end of the file."""
    stream.seek(offset)
    return stream.read(count)
