"""Make and change the bytes of containers: boxes, elements, chunks and packets."""

import struct
from collections.abc import Iterator

TS_PACKET = 188


def box(kind: bytes, payload: bytes) -> bytes:
    """Return a box of an ISO file (mp4, mov)."""
    return struct.pack(">I", 8 + len(payload)) + kind + payload


def boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the kind and the payload of each box in a sequence of boxes."""
    offset = 0
    while offset < len(data):
        size = int.from_bytes(data[offset : offset + 4])
        yield data[offset + 4 : offset + 8], data[offset + 8 : offset + size]
        offset += size


def replace_in_box(data: bytes, path: tuple[bytes, ...], old: bytes, new: bytes) -> bytes:
    """Replace bytes in the box at the end of a path of nested boxes, and correct all sizes."""
    if not path:
        return data.replace(old, new)
    if path[0] == b"dref":
        return b"".join(
            box(kind, payload.replace(old, new)) if kind == b"dref" else box(kind, payload)
            for kind, payload in boxes(data)
        )
    return b"".join(
        box(kind, replace_in_box(payload, path[1:], old, new) if kind == path[0] else payload)
        for kind, payload in boxes(data)
    )


def add_fragments_length(data: bytes, milliseconds: int) -> bytes:
    """Add the box `mehd`, the length of all fragments, to a fragmented mp4."""
    length = box(b"mehd", struct.pack(">II", 0, milliseconds))
    moov = dict(boxes(data))[b"moov"]
    longer = b"".join(
        box(kind, length + payload if kind == b"mvex" else payload) for kind, payload in boxes(moov)
    )
    return data.replace(box(b"moov", moov), box(b"moov", longer))


def append_to_moov(data: bytes, more: bytes) -> bytes:
    """Append boxes to the index (moov) of an mp4, which must be the last box of the file."""
    return b"".join(
        box(kind, payload + more if kind == b"moov" else payload) for kind, payload in boxes(data)
    )


def nested_boxes(kind: bytes, depth: int) -> bytes:
    """Return boxes of one kind, each inside the one before it."""
    return b"".join(struct.pack(">I", 8 * n) + kind for n in range(depth, 0, -1))


def element(number: int, payload: bytes) -> bytes:
    """Return an element of a Matroska file. Its size has eight bytes."""
    element_id = number.to_bytes((number.bit_length() + 7) // 8)
    return element_id + (len(payload) | 1 << 56).to_bytes(8) + payload


def nested_elements(number: int, depth: int) -> bytes:
    """Return elements of one kind, each inside the one before it."""
    width = len(element(number, b""))
    headers = (element(number, b"")[:-8] + (width * n | 1 << 56).to_bytes(8) for n in range(depth))
    return b"".join(reversed(list(headers)))


def append_to_segment(mkv: bytes, more: bytes) -> bytes:
    """Append an element to the segment of a Matroska file."""
    start = mkv.index(b"\x18\x53\x80\x67")
    return mkv[:start] + element(0x18538067, mkv[start + 12 :] + more)


def add_recursive_index(avi: bytes) -> bytes:
    """Add an OpenDML index to an AVI, all of whose entries point at the index itself."""
    at = avi.index(b"strf")
    entries = b"".join(struct.pack("<QII", at, 0xFFFFFFF0, 1) for _ in range(64))
    index = struct.pack("<HBBI4s12x", 4, 0, 0, 0x7FFFFFFF, b"00dc") + entries
    chunk = b"indx" + struct.pack("<I", len(index)) + index
    result = avi[:at] + chunk + avi[at:]
    for name in (b"hdrl", b"strl"):
        offset = result.index(name) - 4
        size = struct.unpack("<I", result[offset : offset + 4])[0] + len(chunk)
        result = overwrite(result, offset, struct.pack("<I", size))
    return result


def program_tables(count: int, streams: int) -> bytes:
    """Return tables of a transport stream: programs of H.264 streams that have no data."""
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
    """Return a packet of a transport stream with one section of a table."""
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


def overwrite(data: bytes, offset: int, new: bytes) -> bytes:
    """Return the data with some bytes overwritten."""
    return data[:offset] + new + data[offset + len(new) :]


def repeat_fields(m2v: bytes) -> bytes:
    """Return an MPEG-2 stream of which every other picture shows its first field again."""
    data = bytearray(m2v)
    pictures = 0
    at = data.find(b"\0\0\1\xb5")
    while at >= 0:
        extension = data[at + 4] >> 4
        if extension == 1:  # of the sequence: it is no longer called progressive
            data[at + 5] &= ~8
        elif extension == 8:  # of a picture: repeat_first_field
            data[at + 7] |= 2 * (pictures % 2 == 0)
            pictures += 1
        at = data.find(b"\0\0\1\xb5", at + 4)
    return bytes(data)
