"""The packets and tables of MPEG transport streams. ISO/IEC 13818-1, section 2.4."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from pipeline.decoding.containers.container import HEAD_BYTES, transport_packets
from pipeline.decoding.containers.formats.parts import read_parts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.storage.source import ByteStream

_PACKET_BYTES = 188
_PROGRAMS_PID = 0
# The header of a picture's packet (PES): start code, length, and two bits that say scrambled.
_SCRAMBLED_UNIT = re.compile(rb"\x00\x00\x01...[\x90-\xbf]", re.DOTALL)
_TABLE_OF_PROGRAMS, _TABLE_OF_STREAMS = 0, 2
# H.264 that is encrypted sample by sample (SAMPLE-AES).
# https://developer.apple.com/library/archive/documentation/AudioVideo/Conceptual/HLS_Sample_Encryption
_SAMPLE_AES = 0xDB
# MPEG-1, MPEG-2, MPEG-4, H.264 and its extensions, JPEG 2000, HEVC, VVC, AVS, VC-1.
_VIDEO_TYPES = {0x01, 0x02, 0x10, 0x1B, 0x1F, 0x20, 0x21, 0x24, 0x33, 0x42, 0xD1, 0xEA, _SAMPLE_AES}


class _Packet(NamedTuple):
    pid: int
    starts_unit: bool
    is_scrambled: bool
    payload: bytes


def is_encrypted(stream: ByteStream) -> bool:
    """Tell whether all video in parts of a stream is scrambled or encrypted.

    A recording can begin before the receiver has the key. FFmpeg leaves scrambled packets out.

    Raises:
        OSError: the stream cannot be read.
    """
    parts = [[packet for packet in _packets(data) if packet.payload] for data in read_parts(stream)]
    types = dict(_stream_types([packet for part in parts for packet in part]))
    videos = [
        [packet for packet in part if packet.pid == pid]
        for part in parts
        for pid in {packet.pid for packet in part}
        if types.get(pid) in _VIDEO_TYPES
    ]
    return bool(videos) and all(
        types[video[0].pid] == _SAMPLE_AES or _is_mostly_scrambled(video) for video in videos
    )


def _is_mostly_scrambled(packets: list[_Packet]) -> bool:
    """Tell it by the headers of the packets, or by those of the pictures that begin in them."""
    starts = [packet.payload for packet in packets if packet.starts_unit]
    scrambled_units = sum(_SCRAMBLED_UNIT.match(payload) is not None for payload in starts)
    scrambled = sum(packet.is_scrambled for packet in packets)
    return scrambled > len(packets) / 2 or scrambled_units > len(starts) / 2


def _packets(data: bytes) -> Iterator[_Packet]:
    layout = transport_packets(data[:HEAD_BYTES])
    if layout is None:
        return
    first, distance = layout
    for at in range(first, len(data) - _PACKET_BYTES + 1, distance):
        packet = data[at : at + _PACKET_BYTES]
        flags, control = packet[1], packet[3]
        has_adaptation, has_payload = control & 0x20, control & 0x10
        start = 4 + (1 + packet[4] if has_adaptation else 0)
        pid = (flags & 0x1F) << 8 | packet[2]
        is_scrambled = bool(control & 0x80)
        yield _Packet(pid, bool(flags & 0x40), is_scrambled, packet[start:] if has_payload else b"")


def _stream_types(packets: list[_Packet]) -> Iterator[tuple[int, int]]:
    """Yield the PID of each stream and its type. A table that needs two packets is left out."""
    programs = {
        int.from_bytes(entry[2:]) & 0x1FFF
        for packet in packets
        if packet.pid == _PROGRAMS_PID and packet.starts_unit
        for entry in _entries(_section(packet.payload, _TABLE_OF_PROGRAMS))
    }
    for packet in packets:
        if packet.pid in programs and packet.starts_unit:
            yield from _streams(_section(packet.payload, _TABLE_OF_STREAMS))


def _section(payload: bytes, table: int) -> bytes:
    """Return the content of a section after its header of 8 bytes, without its checksum."""
    section = payload[1 + payload[0] :]
    if section[:1] != bytes([table]):
        return b""
    length = int.from_bytes(section[1:3]) & 0xFFF
    return section[8 : 3 + length - 4]


def _entries(body: bytes) -> Iterator[bytes]:
    return (body[at : at + 4] for at in range(0, len(body) - 3, 4))


def _streams(body: bytes) -> Iterator[tuple[int, int]]:
    at = 4 + (int.from_bytes(body[2:4]) & 0xFFF)  # after the clock's PID and the descriptors
    while at + 5 <= len(body):
        yield int.from_bytes(body[at + 1 : at + 3]) & 0x1FFF, body[at]
        at += 5 + (int.from_bytes(body[at + 3 : at + 5]) & 0xFFF)
