"""Containers by their first bytes, and the reasons why a file does not open."""

import io

import pytest

from pipeline.decoding.container import Container, detect_container, explain_open_failure
from tests.support.container_bytes import box

TS = (b"\x47" + bytes(187)) * 4


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"\x00\x00\x00\x18ftypmp42", "mp4"),
        (b"\x00\x00\x00\x08wide\x00\x00\x00\x00mdat", "mp4"),
        (b"\x1aE\xdf\xa3\x01", "matroska"),
        (b"RIFF\x00\x00\x00\x00AVI LIST", "avi"),
        (b"FLV\x01", "flv"),
        (b"OggS\x00", "ogg"),
        (b"\x00\x00\x01\xba", "mpeg-ps"),
        (TS, "mpeg-ts"),
        (b"\x00" * 100 + TS, "mpeg-ts"),
        (b"\x46" + bytes(187) + TS, "mpeg-ts"),  # the first packet is damaged
        ((b"\x00\x00\x00\x00\x47" + bytes(187)) * 4, "mpeg-ts"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", None),
        (b"#EXTM3U\n#EXT-X-VERSION:3\n", None),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", None),
        (b"#EXTM3U\nAVI \n#EXTINF:5,\nsecret.ts\n", None),
        (b"G", None),
        (b"just some text that happens to be called clip.mp4\n" * 100, None),
    ],
)
def test_a_container_is_detected_by_its_first_bytes(head: bytes, name: str | None) -> None:
    container = detect_container(head)
    assert (container.name if container else None) == name


def large_box(kind: bytes, payload: bytes) -> bytes:
    """Return a box with a 64-bit size."""
    return (1).to_bytes(4) + kind + (16 + len(payload)).to_bytes(8) + payload


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (box(b"ftyp", b"isom") + box(b"moov", b"x" * 20), "no_video_stream"),
        (box(b"ftyp", b"isom") + large_box(b"mdat", b"xyz") + box(b"moov", b""), "no_video_stream"),
        (box(b"ftyp", b"isom") + box(b"mdat", b"x" * 90)[:50], "truncated"),
        (box(b"ftyp", b"isom") + (0).to_bytes(4) + b"mdat" + b"x" * 90, "truncated"),
        (box(b"ftyp", b"isom") + box(b"mdat", b"") + box(b"moov", b"x" * 90)[:70], "truncated"),
        (box(b"ftyp", b"isom") + (5).to_bytes(4) + b"junk" + box(b"moov", b""), "truncated"),
    ],
)
def test_an_mp4_without_a_complete_index_is_truncated(data: bytes, reason: str) -> None:
    assert explain_open_failure(io.BytesIO(data), detected(data))[0] == reason


def detected(head: bytes) -> Container:
    container = detect_container(head)
    assert container is not None
    return container


def test_other_containers_that_do_not_open_have_no_video_stream() -> None:
    reason, sentence = explain_open_failure(io.BytesIO(), detected(b"\x1aE\xdf\xa3"))
    assert reason == "no_video_stream"
    assert "opens as matroska, but has no video stream" in sentence
