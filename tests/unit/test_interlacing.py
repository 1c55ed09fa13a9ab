"""Which codec headers allow for interlaced pictures."""

import numpy as np
import pytest

from pipeline.interlacing import is_stale, may_interlace

# As x264 wrote them: 192x112, progressive and --tff; 4:4:4 with scaling lists is made by hand.
PROGRESSIVE = bytes.fromhex("6764000bacd9430fa1000003000100000300320f142996")
INTERLACED = bytes.fromhex("67640015acd94308fcb08000000300800000190f8a14cb")
PPS = bytes.fromhex("68fe8fcb")
MPEG2 = bytes.fromhex("000001b30c007013ffffe000000001b5148a00010000")


def avcc(sps: bytes) -> bytes:
    return b"\x01\x64\x00\x0b\xff\xe1" + len(sps).to_bytes(2) + sps + b"\x01\x00\x04" + PPS


def annex_b(sps: bytes) -> bytes:
    return b"\x00\x00\x00\x01" + sps + b"\x00\x00\x01" + PPS


@pytest.mark.parametrize("form", [avcc, annex_b])
def test_h264_says_whether_all_its_pictures_are_frames(form: type) -> None:
    assert may_interlace("h264", form(INTERLACED))
    assert not may_interlace("h264", form(PROGRESSIVE))


def test_mpeg2_says_whether_the_sequence_is_progressive() -> None:
    assert not may_interlace("mpg2", MPEG2)
    assert may_interlace("mpg2", MPEG2.replace(b"\x14\x8a", b"\x14\x82"))
    assert not may_interlace("mpg2", MPEG2[:12])  # MPEG-1 has no such extension


def sps_of(bits: str) -> bytes:
    padded = bits + "1" + "0" * (-(len(bits) + 1) % 8)
    return b"\x67" + int(padded, 2).to_bytes(len(padded) // 8)


HIGH_444 = f"{244:08b}" + "0" * 16 + "1"  # profile, constraints and level, id 0


@pytest.mark.parametrize(("flag", "expected"), [("0", True), ("1", False)])
def test_a_header_with_scaling_lists_and_cyclic_order(flag: str, expected: bool) -> None:  # noqa: FBT001
    chroma = "00100" + "0" + "1" + "1" + "0"  # 3: 4:4:4, one colour plane flag, 8 bits, no bypass
    lists = "1" + "1" + "000010001" + "0" * 11  # one list, whose first step of -8 ends it
    order = "1" + "010" + "0" + "1" + "1" + "010" + "1"  # type 1, with one offset
    rest = "010" + "0" + "0001000" + "00111"  # references, gaps, width, height
    header = annex_b(sps_of(HIGH_444 + chroma + lists + order + rest + flag))
    assert may_interlace("h264", header) is expected


def test_what_says_nothing_is_taken_for_progressive() -> None:
    assert not may_interlace("h264", b"")
    assert not may_interlace("h264", b"\x00\x00\x01\x67\x64")
    assert not may_interlace("h264", annex_b(b"\x67\x00\x00\x00"))
    assert not may_interlace("VP90", b"")


def test_dv_is_always_interlaced() -> None:
    assert may_interlace("dvsd", b"")


def test_a_stale_picture_is_the_one_before_it() -> None:
    image = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    assert is_stale(image, image.copy())
    assert not is_stale(image, 255 - image)
