"""Know a part of a stream (DASH, HLS, CMAF, WebM), which is no video without the other parts.

An init segment says how to decode, and has no frames. Media segments have the frames. ISO/IEC
23009-1, section 6.3, and 23000-19 (CMAF).
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from pipeline.decoding.containers.container import HEAD_BYTES, MATROSKA, MP4, detect_container
from pipeline.decoding.containers.formats import iso, matroska

if TYPE_CHECKING:
    from pipeline.storage.source import ByteStream

# A file with more boxes has frames, so it is no init segment.
_BOXES_TO_READ = 100
_MEDIA_BOXES = {b"styp", b"moof", b"sidx", b"ssix", b"emsg", b"prft"}
_EBML_HEADER = b"\x1aE\xdf\xa3"


def partial_stream_fault(stream: ByteStream) -> tuple[str, str] | None:
    """Return the fault if a file is only a part of a stream: a reason code and a sentence's end.

    Args:
        stream: a file that does not open, or has no frames.

    Raises:
        OSError: the stream cannot be read.
    """
    stream.seek(0)
    head = stream.read(HEAD_BYTES)
    container = detect_container(head)
    if container is MP4:
        return _iso_fault(stream)
    if container is MATROSKA:
        return _matroska_fault(stream, head)
    return None


def _iso_fault(stream: ByteStream) -> tuple[str, str] | None:
    kinds = {box.kind for box in islice(iso.top_level_boxes(stream), _BOXES_TO_READ)}
    if b"moov" in kinds:
        is_init = kinds.isdisjoint({b"moof", b"mdat"}) and iso.expects_fragments(stream)
        return _init_fault("init.mp4 segment-1.m4s segment-2.m4s", "mp4") if is_init else None
    if kinds.isdisjoint(_MEDIA_BOXES):
        return None
    return _media_fault("init.mp4 segment.m4s", "mp4")


def _matroska_fault(stream: ByteStream, head: bytes) -> tuple[str, str] | None:
    if not head.startswith(_EBML_HEADER):
        return _media_fault("init.webm segment.webm", "webm")
    if not matroska.has_only_header(stream):
        return None
    return _init_fault("init.webm segment-1.webm segment-2.webm", "webm")


def _media_fault(parts: str, suffix: str) -> tuple[str, str]:
    return "media_segment", (
        "is a media segment of a stream (DASH, HLS, CMAF): what says how to decode it is in the "
        f"init segment. Join them: cat {parts} > whole.{suffix}"
    )


def _init_fault(parts: str, suffix: str) -> tuple[str, str]:
    return "init_segment", (
        "has a header but no frames, as the init segment of a stream (DASH, HLS, CMAF). "
        f"Join it with the media segments: cat {parts} > whole.{suffix}"
    )
