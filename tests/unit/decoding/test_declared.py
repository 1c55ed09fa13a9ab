"""What headers say of the length of a file, besides what FFmpeg tells."""

import io
import struct
from pathlib import Path

import pytest

from pipeline.decoding.containers.container import Container, detect_container
from pipeline.decoding.containers.declared import Declared, read_declared
from tests.support import clips, container_bytes

FRAGMENTS = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}


def declared(data: bytes) -> Declared:
    container = detect_container(data[:4096])
    assert isinstance(container, Container)
    return read_declared(io.BytesIO(data), container)


def test_asf_has_its_size_and_its_length(tmp_path: Path) -> None:
    path = clips.write_clip(tmp_path / "clip.wmv", clips.textures(50), codec="wmv2", rate=25)
    data = path.read_bytes()
    found = declared(data)
    assert found.size_bytes == len(data)
    assert found.seconds == pytest.approx(2, abs=0.1)
    assert declared(data[: len(data) // 2]) == found
    assert declared(data[:80]) == Declared()


def test_a_riff_file_has_its_size(tmp_path: Path) -> None:
    path = clips.write_clip(tmp_path / "clip.avi", clips.textures(5), codec="mjpeg")
    assert declared(path.read_bytes()).size_bytes == path.stat().st_size


def test_an_mxf_has_the_place_of_its_last_part(tmp_path: Path) -> None:
    path = clips.write_clip(tmp_path / "clip.mxf", clips.textures(50), codec="mpeg2video", rate=25)
    size = declared(path.read_bytes()).size_bytes
    assert size is not None
    assert path.stat().st_size * 0.8 < size <= path.stat().st_size
    assert declared(path.read_bytes()[:16]) == Declared()


def test_a_fragmented_mp4_may_have_the_length_of_all_fragments(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    clips.write_clip(path, clips.textures(20), container_options=FRAGMENTS)
    data = path.read_bytes()
    assert declared(data) == Declared()
    assert declared(container_bytes.add_fragments_length(data, 4500)).seconds == 4.5


@pytest.mark.parametrize(
    "data",
    [
        b"\0\0\0\x08ftyp",
        b"\0\0\0\x00moov",
        b"\0\0\0\x01moov" + bytes(8),
        container_bytes.box(b"moov", b"mehd mvhd"),
        container_bytes.box(b"moov", b"mvhd" + bytes(40) + b"mehd"),
        b"RIFF\xff\xff\xff\xffAVI ",
        struct.pack(">I", 2**31) + b"moov",
    ],
)
def test_a_damaged_header_is_read_without_an_error(data: bytes) -> None:
    assert declared(data).seconds is None
