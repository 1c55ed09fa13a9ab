"""The packet index of an mp4's header: it is that of the packets, or there is none."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

import pytest

from pipeline.config.schema import LimitsConfig
from pipeline.decoding.capture import open_capture
from pipeline.decoding.key_frame import ShardMismatchError
from pipeline.decoding.packet_reading import listed_packet_index, read_packet_index
from pipeline.decoding.stream import GuardedStream
from tests.support import clips
from tests.support.parts import trimmed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pipeline.decoding.backend import IndexedCapture
    from pipeline.decoding.packet_index import PacketIndex

FRAMES = 60
IMAGES = clips.textures(FRAMES)


def h264(path: Path, x264: str = "", **options: object) -> Path:
    encoder = {"preset": "ultrafast", "g": "10", "bf": "2", "x264-params": x264}
    return clips.write_clip(path, IMAGES, options=encoder, **options)  # type: ignore[arg-type]


def hevc(path: Path) -> Path:
    options = {"preset": "ultrafast", "x265-params": "log-level=none:keyint=10:bframes=3"}
    return clips.write_clip(path, IMAGES, codec="libx265", options=options)


CLIPS: dict[str, Callable[[Path], Path]] = {
    "index last": h264,
    "index first": lambda path: h264(path, container_options={"movflags": "faststart"}),
    "open groups": lambda path: h264(path, "open-gop=1"),
    "variable rate": lambda path: h264(
        path, times_ms=[700 + 70 * n + 2500 * (n >= 25) + n % 3 for n in range(FRAMES)]
    ),
    "negative offsets": lambda path: h264(
        path, container_options={"movflags": "negative_cts_offsets"}
    ),
    "hevc": hevc,
    "no B-frames": lambda path: clips.write_clip(path, IMAGES, codec="mpeg4"),
    "all key frames": lambda path: clips.write_clip(
        path.with_suffix(".mov"), IMAGES, codec="mjpeg"
    ),
}


def indexes_of(path: Path) -> tuple[PacketIndex | None, PacketIndex | None]:
    """Return the index that the header lists, and that of the packets."""
    found = []
    for is_listed in (True, False):
        with path.open("rb") as file:
            stream = GuardedStream(file)
            capture, header = open_capture(
                stream,
                path.name,
                LimitsConfig(),
                threads=1,
                backend="pyav",
                packets=True,
            )
            if is_listed:
                indexed = cast("IndexedCapture", capture)
                found.append(listed_packet_index(indexed, stream, math.inf))
            else:
                found.append(read_packet_index(capture, math.inf, header))
            capture.release()
    return found[0], found[1]


@pytest.mark.parametrize("name", CLIPS)
def test_the_header_lists_the_packets_that_are_read(tmp_path: Path, name: str) -> None:
    path = CLIPS[name](tmp_path / "clip.mp4")
    listed, read = indexes_of(path)
    assert listed is not None
    assert read is not None
    assert listed.times_ms == read.times_ms
    assert listed.key_frames == read.key_frames
    places = listed.places
    assert places is not None
    data = path.read_bytes()
    assert all(0 < start < end <= len(data) for start, end in zip(places.starts, places.ends))  # noqa: B905 - both have all frames


def test_an_index_that_hides_frames_is_not_used(tmp_path: Path) -> None:
    path = trimmed(h264(tmp_path / "whole.mp4"), tmp_path / "cut.mp4", 0.35)
    with pytest.raises(ShardMismatchError, match="hides frames"):
        indexes_of(path)


def test_a_file_that_is_cut_off_has_no_index(tmp_path: Path) -> None:
    path = h264(tmp_path / "clip.mp4", container_options={"movflags": "faststart"})
    clips.cut_off(path, 0.7)
    with pytest.raises(ShardMismatchError, match="not in the file"):
        indexes_of(path)


def test_a_container_without_a_list_has_no_index(tmp_path: Path) -> None:
    with pytest.raises(ShardMismatchError, match="no index of all frames"):
        indexes_of(h264(tmp_path / "clip.mkv"))
