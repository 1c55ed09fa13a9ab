"""Detect a file's container by its first bytes, and explain why a video in it does not open.

FFmpeg guesses the container, and opens playlists and scripts under any name. So the container is
detected here, and FFmpeg may use the demuxer of that container only.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.storage.source import ByteStream

HEAD_BYTES = 4096


@dataclass(frozen=True)
class Container:
    """A container format.

    Attributes:
        name: its usual name.
        demuxer: FFmpeg's name for it.
        has_index: whether files of this format have an index of all frames.
    """

    name: str
    demuxer: str
    has_index: bool = False


_MP4 = Container("mp4", "mov,mp4,m4a,3gp,3g2,mj2", has_index=True)
_MATROSKA = Container("matroska", "matroska,webm")
_AVI = Container("avi", "avi", has_index=True)
_TS = Container("mpeg-ts", "mpegts")
_PS = Container("mpeg-ps", "mpeg")
_MPEG_VIDEO = Container("mpeg-video", "mpegvideo")
_FLV = Container("flv", "flv")
_ASF = Container("asf", "asf")
_OGG = Container("ogg", "ogg")
_MXF = Container("mxf", "mxf")

_SIGNATURES = (
    (b"\x1aE\xdf\xa3", _MATROSKA),
    (b"FLV\x01", _FLV),
    (b"0&\xb2u\x8ef\xcf\x11\xa6\xd9\x00\xaa\x00b\xcel", _ASF),
    (b"OggS", _OGG),
    (b"\x00\x00\x01\xba", _PS),
    (b"\x00\x00\x01\xb3", _MPEG_VIDEO),
    (b"\x06\x0e+4\x02\x05\x01\x01\r\x01\x02", _MXF),
)
# Boxes that an ISO file (mp4, mov, 3gp) can start with. QuickTime files before 2001 have no ftyp.
_ISO_BOXES = {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"styp"}
_ISO_HEADER_BYTES = 8
# Packets of a transport stream start with 0x47. Sizes: plain, with time code (m2ts), with parity.
_TS_PACKET_BYTES = (188, 192, 204)
_TS_SYNC = 0x47
_TS_PACKETS = 3


def detect_container(head: bytes) -> Container | None:
    """Return the container of a file; None if its first bytes match no known container.

    Args:
        head: the first `HEAD_BYTES` bytes, or all of a shorter file.
    """
    if head[4:8] in _ISO_BOXES:
        return _MP4
    if head.startswith(b"RIFF") and head[8:12] in {b"AVI ", b"AVIX"}:
        return _AVI
    for magic, container in _SIGNATURES:
        if head.startswith(magic):
            return container
    if any(_is_transport_stream(head, size) for size in _TS_PACKET_BYTES):
        return _TS
    return None


def explain_open_failure(stream: ByteStream, container: Container) -> tuple[str, str]:
    """Return why FFmpeg opened no video stream: a reason code and the end of a sentence.

    Raises:
        OSError: the stream cannot be read.
    """
    if container is _MP4 and b"moov" not in _complete_boxes(stream):
        return "truncated", (
            "is cut short: its index is incomplete (the mp4 'moov' box, which most cameras write "
            "last). Upload the whole file again."
        )
    return "no_video_stream", (
        f"opens as {container.name}, but has no video stream that can be read: it holds only "
        "sound, its codec is unknown, or its header is damaged. Convert it to H.264: "
        "ffmpeg -i IN -c:v libx264 OUT.mp4"
    )


def _is_transport_stream(head: bytes, packet_bytes: int) -> bool:
    span = packet_bytes * _TS_PACKETS
    return any(
        all(head[start + packet_bytes * n] == _TS_SYNC for n in range(_TS_PACKETS))
        for start in range(len(head) - span + 1)
    )


def _complete_boxes(stream: ByteStream) -> set[bytes]:
    """Return the types of the top-level boxes that are not cut short."""
    boxes: set[bytes] = set()
    end = stream.seek(0, io.SEEK_END)
    offset = 0
    while offset + _ISO_HEADER_BYTES <= end:
        stream.seek(offset)
        header = stream.read(16)
        size = int.from_bytes(header[:4])
        if size == 1:  # a 64-bit size follows
            size = int.from_bytes(header[8:16])
        if size == 0:  # to the end of the file
            size = end - offset
        if size < _ISO_HEADER_BYTES:  # damaged
            break
        offset += size
        if offset <= end:
            boxes.add(header[4:8])
    return boxes
