"""What a file's first bytes say it is, and why a video in it would not open.

FFmpeg guesses a container from any text; a magic-byte check first keeps playlists and other
scripts away from it, whatever their suffix.
"""

from pathlib import Path

HEAD_BYTES = 4096

# https://www.iana.org/assignments/media-types and each container's specification.
_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x1aE\xdf\xa3", "matroska"),
    (8, b"AVI ", "avi"),
    (8, b"AVIX", "avi"),
    (0, b"FLV", "flv"),
    (0, b"0&\xb2u\x8ef\xcf\x11\xa6\xd9\x00\xaa\x00b\xcel", "asf"),
    (0, b"OggS", "ogg"),
    (0, b"\x00\x00\x01\xba", "mpeg-ps"),
    (0, b"\x00\x00\x01\xb3", "mpeg-video"),
    (0, b"\x06\x0e+4\x02\x05\x01\x01\r\x01\x02", "mxf"),
)
# The boxes that an ISO (mp4, mov, 3gp) file starts with; QuickTime before 2001 has no ftyp.
_ISO_BOXES = {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"styp"}
# A transport stream's packets start with 0x47: plain, with a time code (m2ts), with parity.
_TS_PACKET_BYTES = (188, 192, 204)
_TS_SYNC = 0x47
_TS_PACKETS = 3
_ISO_HEADER_BYTES = 8


def container_of(head: bytes) -> str | None:
    """Return the name of the video container that a file's first bytes show, or None.

    Args:
        head: the first `HEAD_BYTES` bytes, or all of a shorter file.
    """
    if head[4:8] in _ISO_BOXES:
        return "mp4"
    for offset, magic, name in _SIGNATURES:
        if head.startswith(magic, offset):
            return name
    if any(_is_transport_stream(head, size) for size in _TS_PACKET_BYTES):
        return "mpeg-ts"
    return None


def why_unopened(path: Path, container: str) -> tuple[str, str]:
    """Return the reason, as a word and as a sentence, that FFmpeg opened no video stream.

    Raises:
        OSError: the file cannot be read.
    """
    if container == "mp4" and "moov" not in _whole_boxes(path):
        return "truncated", (
            "is cut short: its index is not all there (the mp4 'moov' box, which most cameras "
            "write last). Upload the whole file again."
        )
    return "no_video_stream", (
        f"opens as {container}, but has no video stream that can be read: "
        "it holds only sound, its codec is unknown, or its header is damaged."
    )


def _is_transport_stream(head: bytes, packet_bytes: int) -> bool:
    span = packet_bytes * _TS_PACKETS
    return any(
        all(head[start + packet_bytes * n] == _TS_SYNC for n in range(_TS_PACKETS))
        for start in range(min(packet_bytes, len(head) - span + 1))
    )


def _whole_boxes(path: Path) -> set[str]:
    """Return the types of the top-level boxes that are all there."""
    boxes: set[str] = set()
    end = path.stat().st_size
    offset = 0
    with path.open("rb") as file:
        while offset + _ISO_HEADER_BYTES <= end:
            file.seek(offset)
            header = file.read(16)
            size = int.from_bytes(header[:4])
            if size == 1:  # a 64-bit size follows
                size = int.from_bytes(header[8:16])
            if size == 0:  # to the end of the file
                size = end - offset
            if size < _ISO_HEADER_BYTES:  # damaged
                break
            offset += size
            if offset <= end:
                boxes.add(header[4:8].decode("latin-1"))
    return boxes
