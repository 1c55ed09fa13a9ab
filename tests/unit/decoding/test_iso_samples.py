"""Composition offsets in the header of an mp4, compared with those of the packets."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import av
import pytest

from pipeline.decoding.containers.formats.iso_samples import composition_offsets
from tests.support import clips
from tests.support.container_bytes import box

if TYPE_CHECKING:
    from pathlib import Path

FRAMES = 30


@pytest.fixture(scope="module", params=["2", "0"], ids=["B-frames", "no B-frames"])
def clip(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    options = {"preset": "ultrafast", "bf": request.param, "g": "10"}
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    return clips.write_clip(path, clips.textures(FRAMES), options=options)


def test_offsets_are_those_of_the_packets(clip: Path) -> None:
    with av.open(str(clip)) as container:
        later = [
            packet.pts - packet.dts
            for packet in container.demux(container.streams.video[0])
            if packet.pts is not None and packet.dts is not None
        ]
    with clip.open("rb") as file:
        offsets = composition_offsets(file, 1, FRAMES)
    # FFmpeg moves all times alike, so that the first frame is at 0.
    assert [offset - offsets[0] for offset in offsets] == [each - later[0] for each in later]


def test_a_table_of_more_frames_than_there_are_fits_nothing(clip: Path) -> None:
    data = clip.read_bytes()
    place = data.find(b"ctts")
    if place < 0:
        assert list(composition_offsets(io.BytesIO(data), 1, 3)) == [0, 0, 0]
        return
    assert len(composition_offsets(io.BytesIO(data), 1, FRAMES - 1)) == 0
    many = data[: place + 12] + b"\xff\xff\xff\xff" + data[place + 16 :]
    assert len(composition_offsets(io.BytesIO(many), 1, FRAMES)) == 0


def test_a_track_header_without_bytes_is_that_of_no_track() -> None:
    media = box(b"mdia", box(b"hdlr", bytes(8) + b"vide" + bytes(13)))
    file = box(b"ftyp", b"isom") + box(b"moov", box(b"trak", media + box(b"tkhd", b"")))
    assert len(composition_offsets(io.BytesIO(file), 1, FRAMES)) == 0


def test_a_track_that_does_not_exist_has_no_offsets(clip: Path) -> None:
    with clip.open("rb") as file:
        assert len(composition_offsets(file, 7, FRAMES)) == 0
    assert len(composition_offsets(io.BytesIO(b"no mp4 at all"), 1, FRAMES)) == 0
