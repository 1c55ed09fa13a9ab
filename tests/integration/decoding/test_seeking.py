"""Samples far apart: seeking gives the very frames, times and indexes that decoding all does."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from pipeline.config.schema import Config
from pipeline.frame import Image
from tests.support import clips, decoding
from tests.support.decoding import Decoded

COUNT = 500
IMAGES: list[Image] = []
for number in range(COUNT):
    picture = np.roll(clips.texture(1), number, axis=1)
    picture[:16] = clips.barcode(number % 256, height=16)
    IMAGES.append(picture)


def sampled(
    path: Path, monkeypatch: pytest.MonkeyPatch, *, seek: bool, **sampling: float
) -> Decoded:
    with monkeypatch.context() as patch:
        if not seek:
            patch.setattr("pipeline.decoding.video.SEEK_COST_FRAMES", 10**9)
        config = Config.model_validate({"sampling": sampling})
        with path.open("rb") as stream:
            return decoding.decode(stream, path.name, config, threads=2)


def assert_same(sparse: Decoded, dense: Decoded) -> None:
    assert [(f.index, f.pts_ms, f.segment) for f in sparse.frames] == [
        (f.index, f.pts_ms, f.segment) for f in dense.frames
    ]
    for one, other in zip(sparse.frames, dense.frames, strict=True):
        assert np.array_equal(one.image, other.image)
    assert sparse.result.duration_ms == dense.result.duration_ms
    assert sparse.result.start_ms == dense.result.start_ms


QUICK = {"preset": "veryfast", "g": "25"}
REFRESH = {"preset": "veryfast", "x264-params": "intra-refresh=1:keyint=30"}
HEVC = {"preset": "ultrafast", "x265-params": "log-level=none:keyint=25"}
ALT_REF = {"g": "25", "auto-alt-ref": "1", "lag-in-frames": "16", "cpu-used": "8"}
SEEKABLE = [
    ("h264.mp4", "libx264", QUICK, 25),
    ("h264.mkv", "libx264", QUICK, 25),
    ("h264.ts", "libx264", QUICK, 25),
    ("h264.flv", "libx264", QUICK, 25),
    ("open-gop.mp4", "libx264", {**QUICK, "x264-params": "open-gop=1"}, 25),
    ("refresh.ts", "libx264", REFRESH, 25),
    ("odd-rate.mp4", "libx264", QUICK, Fraction(24000, 1001)),
    ("hevc.mp4", "libx265", HEVC, 25),
    ("mpeg2.ts", "mpeg2video", {"g": "12", "bf": "2"}, 25),
    ("mjpeg.avi", "mjpeg", {}, 25),
    ("vp8.webm", "libvpx", ALT_REF, 25),
]


@pytest.mark.parametrize(("name", "codec", "options", "rate"), SEEKABLE)
def test_seeking_finds_the_same_frames(  # noqa: PLR0913, PLR0917 - a clip has many properties
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    codec: str,
    options: dict[str, str],
    rate: int | Fraction,
) -> None:
    path = clips.write_clip(tmp_path / name, IMAGES, codec=codec, options=options, rate=rate)
    sparse = sampled(path, monkeypatch, seek=True, every_seconds=6)
    dense = sampled(path, monkeypatch, seek=False, every_seconds=6)
    assert_same(sparse, dense)
    assert sparse.result.coverage.skipped > 0
    assert sparse.result.coverage.decoded + sparse.result.coverage.skipped == COUNT
    assert dense.result.coverage.decoded == COUNT


def damaged(path: Path) -> Path:
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 3000] = bytes(3000)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("name", ["cut.mp4", "cut.ts", "cut.mkv"])
def test_a_damaged_video_is_decoded_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = damaged(clips.write_clip(tmp_path / name, IMAGES, options=QUICK, rate=25))
    sparse = sampled(path, monkeypatch, seek=True, every_seconds=3)
    dense = sampled(path, monkeypatch, seek=False, every_seconds=3)
    assert_same(sparse, dense)
    assert sparse.result.coverage.lost == dense.result.coverage.lost


def test_variable_rates_seek_too_where_key_frames_are_near(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gaps = [20, 60, 33, 47] * 125
    times = [50 + sum(gaps[:n]) for n in range(COUNT)]
    path = clips.write_clip(tmp_path / "vfr.mp4", IMAGES, times_ms=times, options=QUICK)
    sparse = sampled(path, monkeypatch, seek=True, every_seconds=6)
    assert_same(sparse, sampled(path, monkeypatch, seek=False, every_seconds=6))
    assert sparse.result.coverage.skipped > 0


def test_two_recordings_in_one_stream_are_decoded_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = [
        clips.write_clip(tmp_path / f"{n}.ts", IMAGES[:250], options=QUICK, rate=25)
        for n in range(2)
    ]
    path = tmp_path / "joined.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    sparse = sampled(path, monkeypatch, seek=True, every_seconds=6)
    assert_same(sparse, sampled(path, monkeypatch, seek=False, every_seconds=6))
    assert sparse.result.coverage.skipped == 0


def test_far_key_frames_are_not_sought(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"preset": "veryfast", "g": "250"}
    path = clips.write_clip(tmp_path / "clip.mp4", IMAGES, options=options, rate=25)
    assert sampled(path, monkeypatch, seek=True, every_seconds=4).result.coverage.skipped == 0


def test_the_end_bounds_what_is_sought(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = clips.write_clip(tmp_path / "clip.mp4", IMAGES, options=QUICK, rate=25)
    sampling = {"every_seconds": 4.0, "start_seconds": 5.0, "end_seconds": 13.5}
    sparse = sampled(path, monkeypatch, seek=True, **sampling)
    assert [frame.index for frame in sparse.frames] == [125, 225, 325]
    assert sparse.result.coverage.skipped > 0
