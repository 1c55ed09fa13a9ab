"""Protect videos, or say in their headers that they are protected, and give films a cover."""

from pathlib import Path
from uuid import UUID

from tests.support.container_bytes import TS_PACKET, box, element, mpeg_crc, replace_in_box

CENC = {
    "encryption_scheme": "cenc-aes-ctr",
    "encryption_key": "5a" * 16,
    "encryption_kid": "11" * 16,
}
"""Options of FFmpeg's mp4 writer that encrypt each sample."""

# ContentEncodings, ContentEncoding, its type (1: encryption), ContentEncryption, AES, and a key id.
WEBM_ENCRYPTION = element(
    0x6D80,
    element(
        0x6240,
        element(0x5033, b"\1")
        + element(0x5035, element(0x47E1, b"\5") + element(0x47E2, b"\x11" * 16)),
    ),
)
_ASF_OBJECTS = {
    "encryption": UUID("2211b3fb-bd23-11d2-b4b7-00a0c955fc6e"),
    "extended encryption": UUID("298ae614-2622-4c17-b935-dae07ee9289c"),
    "tags": UUID("d2d0a440-e307-11d2-97f0-00a0c95ea850"),
}
_FRONT_COVER = 3


def clear_protection(codec: bytes) -> bytes:
    """Return the box of a protected sample entry that leaves its samples unencrypted."""
    defaults = box(b"tenc", bytes(4) + b"\0\0\0\0" + b"\x11" * 16)
    scheme = box(b"schm", bytes(4) + b"cenc" + b"\0\1\0\0")
    return box(b"sinf", box(b"frma", codec) + scheme + box(b"schi", defaults))


def add_to_sample_entry(mp4: bytes, at: int, kind: bytes, more: bytes) -> bytes:
    """Return an mp4 whose sample entry has another kind and one more box. Its moov must be last."""
    size = int.from_bytes(mp4[at : at + 4])
    entry = box(kind, mp4[at + 8 : at + size] + more)
    path = (b"moov", b"trak", b"mdia", b"minf", b"stbl")
    return replace_in_box(mp4, (*path, b"stsd"), mp4[at : at + size], entry)


def scramble_ts(data: bytes, pids: set[int]) -> bytes:
    """Return a transport stream whose packets with some PIDs are scrambled with the even key."""
    packets = bytearray(data)
    for at in range(0, len(packets), TS_PACKET):
        if int.from_bytes(packets[at + 1 : at + 3]) & 0x1FFF in pids:
            has_adaptation = packets[at + 3] & 0x20
            start = at + 4 + (1 + packets[at + 4] if has_adaptation else 0)
            packets[at + 3] |= 0x80
            for place in range(start, at + TS_PACKET):
                packets[place] ^= 0x5A
    return bytes(packets)


def scramble_pes(data: bytes, pid: int) -> bytes:
    """Return a transport stream with the pictures of a PID scrambled behind their own headers."""
    packets = bytearray(data)
    for at in range(0, len(packets), TS_PACKET):
        if int.from_bytes(packets[at + 1 : at + 3]) & 0x1FFF == pid:
            has_adaptation = packets[at + 3] & 0x20
            start = at + 4 + (1 + packets[at + 4] if has_adaptation else 0)
            if packets[at + 1] & 0x40:
                packets[start + 6] |= 0x20
                start += 9 + packets[start + 8]
            for place in range(start, at + TS_PACKET):
                packets[place] ^= 0x5A
    return bytes(packets)


def mark_as_sample_aes(data: bytes) -> bytes:
    """Return a transport stream whose table calls its H.264 encrypted, as HLS does."""
    packets = bytearray(data)
    for at in range(0, len(packets), TS_PACKET):
        section = at + 5  # after the header and the pointer
        if packets[section : section + 1] == b"\2" and packets[at + 1] & 0x40:
            end = section + 3 + (int.from_bytes(packets[section + 1 : section + 3]) & 0xFFF)
            kind = packets.index(0x1B, section + 12, end)
            packets[kind] = 0xDB
            packets[end - 4 : end] = mpeg_crc(bytes(packets[section : end - 4]))
    return bytes(packets)


def scramble_ps(data: bytes) -> bytes:
    """Return a program stream whose video packets are scrambled, as those of a DVD are."""
    packets = bytearray(data)
    at = packets.find(b"\0\0\1\xe0")
    while at >= 0:
        packets[at + 6] |= 0x10
        start, end = at + 9 + packets[at + 8], at + 6 + int.from_bytes(packets[at + 4 : at + 6])
        packets[start:end] = bytes(byte ^ 0x5A for byte in packets[start:end])
        at = packets.find(b"\0\0\1\xe0", end)
    return bytes(packets)


def add_to_track(matroska: bytes, more: bytes) -> bytes:
    """Return a Matroska file with more elements in its only track."""
    tracks = matroska.rindex(b"\x16\x54\xae\x6b")  # it is in the list of seeks, too
    content, end = _content(matroska, tracks + 4)
    entry = matroska.index(b"\xae", content)
    track, track_end = _content(matroska, entry + 1)
    new = element(0x1654AE6B, element(0xAE, matroska[track:track_end] + more))
    return matroska[:tracks] + new + matroska[end:]


def add_asf_object(asf: bytes, kind: str, content: bytes) -> bytes:
    """Return an ASF file with one more object in its header."""
    new = _ASF_OBJECTS[kind].bytes_le + (24 + len(content)).to_bytes(8, "little") + content
    size = int.from_bytes(asf[16:24], "little") + len(new)
    count = int.from_bytes(asf[24:28], "little") + 1
    header = asf[:16] + size.to_bytes(8, "little") + count.to_bytes(4, "little") + asf[28:30]
    return header + new + asf[30:]


def add_asf_cover(path: Path, picture: bytes) -> Path:
    """Add a cover image to a WMV, as Windows Media Player does, and return the path."""
    text = "image/png\0\0".encode("utf-16-le")
    value = bytes([_FRONT_COVER]) + len(picture).to_bytes(4, "little") + text + picture
    name = "WM/Picture\0".encode("utf-16-le")
    tag = (
        len(name).to_bytes(2, "little")
        + name
        + (1).to_bytes(2, "little")  # the value is bytes
        + len(value).to_bytes(2, "little")
        + value
    )
    tags = (1).to_bytes(2, "little") + tag
    path.write_bytes(add_asf_object(path.read_bytes(), "tags", tags))
    return path


def _content(matroska: bytes, at: int) -> tuple[int, int]:
    """Return where the content of an element begins and ends; `at` is where its size begins."""
    length = 9 - matroska[at].bit_length()
    size = int.from_bytes(matroska[at : at + length]) & (1 << 7 * length) - 1
    return at + length, at + length + size
