"""The reasons why a file does not open."""

import io

import pytest

from pipeline.decoding.containers.container import detect_container
from pipeline.decoding.containers.open_failure import explain_open_failure
from tests.support.container_bytes import box, element

EBML, TRACKS = element(0x1A45DFA3, b""), element(0x1654AE6B, b"")


def large_box(kind: bytes, payload: bytes) -> bytes:
    """Return a box with a 64-bit size."""
    return (1).to_bytes(4) + kind + (16 + len(payload)).to_bytes(8) + payload


def reason_of(data: bytes) -> str:
    return explain_open_failure(io.BytesIO(data), detect_container(data))[0]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (box(b"ftyp", b"isom") + box(b"moov", b"x" * 20), "no_video_stream"),
        (box(b"ftyp", b"isom") + large_box(b"mdat", b"xyz") + box(b"moov", b""), "no_video_stream"),
        (box(b"ftyp", b"isom") + box(b"mdat", b"x" * 90)[:50], "truncated"),
        (box(b"ftyp", b"isom") + (0).to_bytes(4) + b"mdat" + b"x" * 90, "truncated"),
        (box(b"ftyp", b"isom") + box(b"mdat", b"") + box(b"moov", b"x" * 90)[:70], "truncated"),
        (box(b"ftyp", b"isom") + (5).to_bytes(4) + b"junk" + box(b"moov", b""), "truncated"),
        (EBML + element(0x18538067, TRACKS + element(0x1F43B675, b"")), "no_video_stream"),
        (EBML + element(0x18538067, b"damaged"), "no_video_stream"),
        (b"OggS" + bytes(100), "no_video_stream"),
        (b"GIF89a", "not_a_video"),
        (b"hello", "not_a_video"),
    ],
)
def test_a_file_that_does_not_open_is_rejected_with_its_reason(data: bytes, reason: str) -> None:
    assert reason_of(data) == reason


def test_a_file_without_video_is_told_its_container() -> None:
    sentence = explain_open_failure(io.BytesIO(b"OggS"), detect_container(b"OggS"))[1]
    assert "opens as ogg, but has no video stream" in sentence


@pytest.mark.parametrize(
    ("data", "reason", "command"),
    [
        (
            box(b"styp", b"msdh") + box(b"moof", b"") + box(b"mdat", b"x"),
            "media_segment",
            "cat init.mp4 segment.m4s > whole.mp4",
        ),
        (box(b"moof", b"") + box(b"mdat", b"x" * 90)[:40], "media_segment", "cat init.mp4"),
        (box(b"sidx", bytes(24)), "media_segment", "cat init.mp4"),
        (box(b"emsg", bytes(24)) + box(b"moof", b""), "media_segment", "cat init.mp4"),
        (
            box(b"ftyp", b"iso5") + box(b"moov", box(b"mvex", b"")),
            "init_segment",
            "cat init.mp4 segment-1.m4s segment-2.m4s > whole.mp4",
        ),
        (
            b"\x1f\x43\xb6\x75\x80",
            "media_segment",
            "cat init.webm segment.webm > whole.webm",
        ),
        (
            EBML + b"\x18\x53\x80\x67\xff" + TRACKS,  # a segment of unknown size
            "init_segment",
            "cat init.webm segment-1.webm segment-2.webm > whole.webm",
        ),
    ],
)
def test_a_part_of_a_stream_is_told_which_other_part_it_needs(
    data: bytes, reason: str, command: str
) -> None:
    found, sentence = explain_open_failure(io.BytesIO(data), detect_container(data))
    assert found == reason
    assert command in sentence
