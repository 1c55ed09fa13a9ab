"""The structure of containers that are damaged or hostile: each question has an answer."""

import io
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as PillowImage

from pipeline.decoding.containers.formats import (
    asf,
    iso,
    iso_encryption,
    jpeg,
    matroska,
    program_stream,
    transport_stream,
)
from tests.support import clips
from tests.support.container_bytes import box, element, nested_boxes, nested_elements, overwrite
from tests.support.container_bytes import table_packet as table
from tests.support.protection import WEBM_ENCRYPTION, clear_protection

VIDEO, SOUND = b"vide", b"soun"
SAMPLES = box(b"senc", bytes(8))
PIFF = box(b"uuid", bytes.fromhex("a2394f525a9b4f14a2446c427c648df4") + bytes(8))


def track(*entries: bytes, handler: bytes = VIDEO, more: bytes = SAMPLES) -> bytes:
    descriptions = box(b"stsd", bytes(4) + len(entries).to_bytes(4) + b"".join(entries))
    information = box(b"minf", box(b"stbl", descriptions + more))
    media = box(b"mdia", box(b"hdlr", bytes(8) + handler + bytes(13)) + information)
    return box(b"trak", media)


def entry(kind: bytes, more: bytes = b"") -> bytes:
    return box(kind, bytes(78) + more)


def seig(is_protected: int, version: int = 1) -> bytes:
    """Return a group of samples with a key of its own, or of clear ones."""
    group = bytes(2) + bytes([is_protected, 8]) + bytes(16)
    length = len(group).to_bytes(4) if version else b""
    return box(b"sgpd", bytes([version, 0, 0, 0]) + b"seig" + length + (1).to_bytes(4) + group)


def numbered(sample_entry: bytes) -> bytes:
    """Return a movie with one video track, which has the number 1."""
    header = box(b"tkhd", bytes(12) + (1).to_bytes(4))
    return movie(box(b"trak", header + track(sample_entry, more=b"")[8:]))


def fragment(number: int) -> bytes:
    """Return a fragment of encrypted samples of a track."""
    header = box(b"tfhd", bytes(4) + number.to_bytes(4))
    return box(b"moof", box(b"traf", header + SAMPLES))


def movie(*tracks: bytes) -> bytes:
    return box(b"ftyp", b"isom") + box(b"moov", b"".join(tracks))


@pytest.mark.parametrize(
    ("data", "is_encrypted"),
    [
        (movie(track(entry(b"avc1"))), False),
        (movie(track(entry(b"encv"))), True),
        (movie(track(entry(b"encv", clear_protection(b"avc1")), more=b"")), False),
        (movie(track(entry(b"encv", clear_protection(b"avc1")))), True),  # by what samples have
        (movie(track(entry(b"encv", clear_protection(b"avc1")), more=seig(1))), True),
        (movie(track(entry(b"encv", clear_protection(b"avc1")), more=seig(0))), False),
        (movie(track(entry(b"encv", clear_protection(b"avc1")), more=seig(1, version=0))), True),
        (numbered(entry(b"encv")) + fragment(1), True),
        (numbered(entry(b"encv")) + fragment(2), False),  # that of the sound
        (movie(track(entry(b"avc1"), entry(b"encv"))), True),  # only its beginning is clear
        (movie(track(entry(b"encv")), track(entry(b"avc1"))), False),
        (movie(track(entry(b"enca"), handler=SOUND), track(entry(b"avc1"))), False),
        (movie(track(entry(b"mp4a"), handler=SOUND), track(entry(b"encv"))), True),
        (movie(track(entry(b"encv")))[:-1], False),  # cut short: it does not open
        (movie(track(entry(b"encv"), more=b"")), False),  # called so, with clear samples
        (movie(track(entry(b"encv"), more=box(b"saiz", bytes(9)))), True),
        (movie(track(entry(b"encv"), more=PIFF)), True),
        (movie(track(entry(b"encv"), more=b"")) + box(b"moof", box(b"traf", SAMPLES)), True),
        (movie(track(entry(b"encv"), more=b"")) + box(b"moof", box(b"traf", b"")), False),
        (movie(track(entry(b"drmi"), more=b"")), True),
        (movie(), False),
        (b"", False),
    ],
)
def test_an_mp4_is_encrypted_if_each_video_track_is(data: bytes, *, is_encrypted: bool) -> None:
    assert iso_encryption.is_encrypted(io.BytesIO(data)) is is_encrypted


SIGNED = element(0x6D80, element(0x6240, element(0x5035, element(0x47E1, b"\0"))))


def matroska_file(*tracks: bytes) -> bytes:
    return element(0x1A45DFA3, b"") + element(0x18538067, element(0x1654AE6B, b"".join(tracks)))


def matroska_track(kind: bytes, more: bytes = b"") -> bytes:
    return element(0xAE, element(0x83, kind) + more)


@pytest.mark.parametrize(
    ("data", "is_encrypted"),
    [
        (matroska_file(matroska_track(b"\1")), False),
        (matroska_file(matroska_track(b"\1", WEBM_ENCRYPTION)), True),
        (matroska_file(matroska_track(b"\1", element(0x6D80, element(0x6240, b"")))), False),
        (matroska_file(matroska_track(b"\1", SIGNED)), False),
        (matroska_file(matroska_track(b"\2", WEBM_ENCRYPTION), matroska_track(b"\1")), False),
        (matroska_file(matroska_track(b"\2"), matroska_track(b"\1", WEBM_ENCRYPTION)), True),
        (matroska_file(matroska_track(b"\2", WEBM_ENCRYPTION)), False),
        (matroska_file(), False),
        (b"", False),
    ],
)
def test_a_matroska_is_encrypted_if_each_video_track_is(data: bytes, *, is_encrypted: bool) -> None:
    assert matroska.is_encrypted(io.BytesIO(data)) is is_encrypted


PROGRAM = table(0, 0, b"\0\1\xc1\0\0" + b"\0\1\xf0\0")


def streams(*types: tuple[int, int]) -> bytes:
    """Return the table of a program's streams: the type and the PID of each."""
    entries = b"".join(
        kind.to_bytes(1) + (0xE000 | pid).to_bytes(2) + b"\xf0\0" for kind, pid in types
    )
    return table(0x1000, 2, b"\0\1\xc1\0\0" + b"\xe1\0\xf0\0" + entries)


def packets(pid: int, scrambled: int, clear: int) -> bytes:
    control = [b"\x90"] * scrambled + [b"\x10"] * clear
    return b"".join((b"\x47" + pid.to_bytes(2) + each).ljust(188, b"x") for each in control)


@pytest.mark.parametrize(
    ("tables", "data", "is_encrypted"),
    [
        (streams((0x1B, 256)), packets(256, 0, 9), False),
        (streams((0x1B, 256)), packets(256, 9, 0), True),
        (streams((0x1B, 256)), packets(256, 4, 5), False),
        (streams((0xDB, 256)), packets(256, 0, 9), True),
        (streams((0x1B, 256), (0x0F, 257)), packets(256, 0, 9) + packets(257, 9, 0), False),
        (streams((0x1B, 256), (0x24, 257)), packets(256, 9, 0) + packets(257, 0, 9), False),
        (streams((0x1B, 256), (0x24, 257)), packets(256, 9, 0), True),  # the other has no data
        (streams((0x0F, 257)), packets(257, 9, 0), False),
        (b"", packets(256, 9, 0), False),
    ],
)
def test_a_transport_stream_is_encrypted_if_all_video_is(
    tables: bytes, data: bytes, *, is_encrypted: bool
) -> None:
    stream = io.BytesIO(PROGRAM + tables + data)
    assert transport_stream.is_encrypted(stream) is is_encrypted


def jpeg_image(seed: int, **options: object) -> bytes:
    buffer = io.BytesIO()
    PillowImage.fromarray(clips.texture(seed)).save(buffer, "JPEG", **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "is_film"),
    [
        (b"".join(jpeg_image(seed) for seed in range(4)), True),
        (b"".join(jpeg_image(seed, progressive=True) for seed in range(9)), True),
        (b"".join(jpeg_image(seed, restart_marker_rows=1) for seed in range(4)), True),
        (b"".join(jpeg_image(seed) + bytes(seed) for seed in range(4)), True),
        (
            b"".join(jpeg_image(seed) + bytes(-len(jpeg_image(seed)) % 4096) for seed in range(4)),
            True,
        ),
        (b"".join(jpeg_image(seed) + b"\r\n" for seed in range(4)), True),
        (b"".join(jpeg_image(seed) + b"\xff" * 20 for seed in range(4)), True),
        (
            b"".join(
                jpeg_image(seed).replace(b"\xff\xda", b"\xff\xff\xff\xda") for seed in range(4)
            ),
            True,
        ),
        (jpeg_image(0)[:-900] + b"".join(jpeg_image(seed) for seed in range(4)), True),
        (jpeg_image(0) + jpeg_image(1)[:300] + b"".join(jpeg_image(n) for n in range(4)), True),
        (jpeg_image(0)[:-900] + b"".join(jpeg_image(seed) for seed in range(3)), False),
        (b"\xff\xd8\xff" * 9000, False),
        (b"".join(jpeg_image(seed) for seed in range(3)), False),
        (b"".join(jpeg_image(seed) for seed in range(4))[:-1], False),
        (jpeg_image(0) + b"\0\0\0\x18ftypmp42" + jpeg_image(0) * 4, False),
        (jpeg_image(0, exif=b"Exif\0\0" + jpeg_image(1) * 5), False),  # previews within
        (b"", False),
    ],
)
def test_a_film_is_four_jpeg_images_or_more(data: bytes, *, is_film: bool) -> None:
    assert jpeg.is_film(io.BytesIO(data)) is is_film


QUESTIONS: list[Callable[[io.BytesIO], bool]] = [
    iso_encryption.is_encrypted,
    iso_encryption.is_protected,
    iso.expects_fragments,
    jpeg.is_film,
    matroska.is_encrypted,
    matroska.has_only_header,
    asf.is_encrypted,
    transport_stream.is_encrypted,
    program_stream.is_encrypted,
]
SEEDS = [
    movie(track(entry(b"encv", clear_protection(b"avc1")))),
    matroska_file(matroska_track(b"\1", WEBM_ENCRYPTION)),
    PROGRAM + streams((0x1B, 256)) + packets(256, 9, 0),
    bytes(30) + bytes(24) * 3,
    b"\0\0\1\xe0\0\x10\x91" * 5,
    jpeg_image(0)[:2000] * 4,
]


@given(st.sampled_from(SEEDS), st.integers(0, 800), st.binary(min_size=1, max_size=8), st.data())
def test_damage_is_answered(seed: bytes, at: int, new: bytes, data: st.DataObject) -> None:
    damaged = overwrite(seed, min(at, len(seed)), new)
    cut = data.draw(st.integers(0, len(damaged)))
    for ask in QUESTIONS:
        assert ask(io.BytesIO(damaged[:cut])) in {True, False}


@pytest.mark.parametrize(
    "data",
    [
        nested_boxes(b"moov", 10_000),
        b"\0\0\0\x08free" * 50_000,
        nested_elements(0x18538067, 10_000),
        b"\xec\x80" * 50_000,
        bytes(100_000),
        b"\xff" * 100_000,
    ],
)
def test_hostile_structures_are_answered(data: bytes) -> None:
    assert not any(ask(io.BytesIO(data)) for ask in QUESTIONS)
