"""Whether the samples of ISO files are encrypted. ISO/IEC 23001-7 (CENC), and PIFF."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from pipeline.decoding.containers.formats import iso

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.storage.source import ByteStream

_IS_PROTECTED_AT = 6
_DRM_ENTRY = b"drmi"
_PROTECTED_ENTRIES = {b"encv", _DRM_ENTRY}
_SAMPLE_ENCRYPTION = {b"senc", b"saiz"}
_PIFF_SAMPLE_ENCRYPTION = UUID("a2394f52-5a9b-4f14-a244-6c427c648df4").bytes


def is_encrypted(stream: ByteStream) -> bool:
    """Tell whether each video track of a file is protected, and samples of it are encrypted.

    Raises:
        OSError: the stream cannot be read.
    """
    tracks = iso.video_tracks(stream)
    tables = iso.tables(stream, tracks)
    kinds = [{entry.kind for entry in iso.entries(stream, table)} for table in tables]
    if not kinds or any(_PROTECTED_ENTRIES.isdisjoint(each) for each in kinds):
        return False
    is_drm = any(_DRM_ENTRY in each for each in kinds)
    return is_drm or _has_sample_encryption(stream, [*tables, *_fragments(stream, tracks)])


def is_protected(stream: ByteStream) -> bool:
    """Tell whether each video track of a file is called protected. Its samples may be clear.

    Raises:
        OSError: the stream cannot be read.
    """
    tables = iso.tables(stream, iso.video_tracks(stream))
    return bool(tables) and all(
        any(
            entry.kind in _PROTECTED_ENTRIES and not _is_left_clear(stream, entry)
            for entry in iso.entries(stream, table)
        )
        for table in tables
    )


def _fragments(stream: ByteStream, tracks: list[iso.Box]) -> Iterator[iso.Box]:
    """Yield what the fragments of a file hold of some tracks (`traf`)."""
    numbers = {_track_number(stream, track) for track in tracks}
    return (
        part
        for box in iso.top_level_boxes(stream)
        if box.kind == b"moof"
        for part in iso.children(stream, box, b"traf")
        if _track_number(stream, part) in numbers
    )


def _track_number(stream: ByteStream, place: iso.Box) -> bytes:
    """Return the number of a track, or of that to which a part of a fragment belongs."""
    for box in iso.boxes(stream, place.start, place.end):
        if box.kind == b"tfhd":
            return iso.bytes_at(stream, box.start + 4, 4)
        if box.kind == b"tkhd":
            is_wide = iso.bytes_at(stream, box.start, 1) == b"\1"
            return iso.bytes_at(stream, box.start + (20 if is_wide else 12), 4)
    return b""


def _has_sample_encryption(stream: ByteStream, places: list[iso.Box]) -> bool:
    """Tell whether a table or a fragment says how its samples are encrypted."""
    return any(
        box.kind in _SAMPLE_ENCRYPTION
        or (box.kind == b"uuid" and iso.bytes_at(stream, box.start, 16) == _PIFF_SAMPLE_ENCRYPTION)
        or (box.kind == b"sgpd" and _is_encrypted_group(iso.bytes_at(stream, box.start, 64)))
        for place in places
        for box in iso.boxes(stream, place.start, place.end)
    )


def _is_encrypted_group(description: bytes) -> bool:
    """Tell whether the first group of samples that a box describes has a key of its own."""
    version, kind, default_bytes = description[0:1], description[4:8], description[8:12]
    entry = 16 if version == b"\1" else 12
    if version == b"\1" and not any(default_bytes):  # each entry begins with its length
        entry += 4
    is_protected = description[entry + 2 : entry + 3]
    return kind == b"seig" and is_protected == b"\1"


def _is_left_clear(stream: ByteStream, entry: iso.Box) -> bool:
    """Tell whether a protected entry says that its samples are clear nevertheless."""
    inner = iso.Box(entry.kind, entry.start + iso.VIDEO_ENTRY_FIELDS, entry.end, entry.is_complete)
    return any(
        iso.bytes_at(stream, defaults.start + _IS_PROTECTED_AT, 1) == b"\0"
        for scheme in iso.children(stream, inner, b"sinf")
        for information in iso.children(stream, scheme, b"schi")
        for defaults in iso.children(stream, information, b"tenc")
    )
