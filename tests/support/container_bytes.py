"""The bytes that containers are made of: boxes, elements, chunks, packets."""

import struct
from collections.abc import Iterator

TS_PACKET = 188


def box(kind: bytes, payload: bytes) -> bytes:
    """Return a box of an ISO file (mp4, mov)."""
    return struct.pack(">I", 8 + len(payload)) + kind + payload


def boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the boxes side by side in some bytes."""
    offset = 0
    while offset < len(data):
        size = int.from_bytes(data[offset : offset + 4])
        yield data[offset + 4 : offset + 8], data[offset + 8 : offset + size]
        offset += size


def replace_in_boxes(data: bytes, path: tuple[bytes, ...], old: bytes, new: bytes) -> bytes:
    """Replace bytes at the end of a path of boxes, and size the boxes anew."""
    if not path:
        return data.replace(old, new)
    if path[0] == b"dref":
        return b"".join(
            box(kind, payload.replace(old, new)) if kind == b"dref" else box(kind, payload)
            for kind, payload in boxes(data)
        )
    return b"".join(
        box(kind, replace_in_boxes(payload, path[1:], old, new) if kind == path[0] else payload)
        for kind, payload in boxes(data)
    )


def insert_in_moov(data: bytes, more: bytes) -> bytes:
    """Put boxes at the end of an mp4's index, which must come last."""
    return b"".join(
        box(kind, payload + more if kind == b"moov" else payload) for kind, payload in boxes(data)
    )


def nested(kind: bytes, depth: int) -> bytes:
    """Return boxes in boxes."""
    return b"".join(struct.pack(">I", 8 * n) + kind for n in range(depth, 0, -1))


def element(number: int, payload: bytes) -> bytes:
    """Return an element of a Matroska file, its size in eight bytes."""
    identity = number.to_bytes((number.bit_length() + 7) // 8)
    return identity + (len(payload) | 1 << 56).to_bytes(8) + payload


def nested_elements(number: int, depth: int) -> bytes:
    """Return elements in elements."""
    width = len(element(number, b""))
    heads = (element(number, b"")[:-8] + (width * n | 1 << 56).to_bytes(8) for n in range(depth))
    return b"".join(reversed(list(heads)))


def append_to_segment(mkv: bytes, more: bytes) -> bytes:
    """Put an element at the end of a Matroska file's segment."""
    start = mkv.index(b"\x18\x53\x80\x67")
    return mkv[:start] + element(0x18538067, mkv[start + 12 :] + more)


def superindex(avi: bytes) -> bytes:
    """Give an AVI an OpenDML index whose parts are itself."""
    at = avi.index(b"strf")
    entries = b"".join(struct.pack("<QII", at, 0xFFFFFFF0, 1) for _ in range(64))
    index = struct.pack("<HBBI4s12x", 4, 0, 0, 0x7FFFFFFF, b"00dc") + entries
    chunk = b"indx" + struct.pack("<I", len(index)) + index
    grown = avi[:at] + chunk + avi[at:]
    for name in (b"hdrl", b"strl"):
        size = grown.index(name) - 4
        new = struct.unpack("<I", grown[size : size + 4])[0] + len(chunk)
        grown = patch(grown, size, struct.pack("<I", new))
    return grown


def programs(count: int, streams: int) -> bytes:
    """Return a transport stream's tables: programs of H.264 streams that never come."""
    out = []
    for first in range(0, count, 40):
        section = struct.pack(">HBBB", 1, 0xC1, first // 40, (count - 1) // 40)
        for number in range(first, min(first + 40, count)):
            section += struct.pack(">HH", number + 1, 0xE000 | (0x1000 + number))
        out.append(table_packet(0, 0, section))
    for number in range(count):
        pid = 0x30 + number * streams
        section = struct.pack(">HBBBHH", number + 1, 0xC1, 0, 0, 0xE000 | pid, 0xF000)
        for stream in range(streams):
            section += struct.pack(">BHH", 0x1B, 0xE000 | (pid + stream) & 0x1FFF, 0xF000)
        out.append(table_packet(0x1000 + number, 2, section))
    return b"".join(out)


def table_packet(pid: int, table: int, body: bytes) -> bytes:
    """Return a transport stream's packet with one section."""
    section = struct.pack(">BH", table, 0xB000 | len(body) + 4) + body
    packet = struct.pack(">BHB", 0x47, 0x4000 | pid, 0x10) + b"\0" + section + mpeg_crc(section)
    return packet.ljust(TS_PACKET, b"\xff")


def mpeg_crc(data: bytes) -> bytes:
    """Return the CRC-32 of MPEG-2 tables."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ 0x04C11DB7 if crc & 0x80000000 else crc << 1) & 0xFFFFFFFF
    return struct.pack(">I", crc)


def patch(data: bytes, at: int, new: bytes) -> bytes:
    """Overwrite bytes."""
    return data[:at] + new + data[at + len(new) :]
