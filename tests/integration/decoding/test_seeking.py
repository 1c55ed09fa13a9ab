"""Seeking between samples: it returns the frames, times and indexes that full decoding returns."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from pipeline.config.schema import LimitsConfig
from pipeline.decoding.backend import BackendName
from pipeline.decoding.capture import open_capture
from pipeline.decoding.stream import GuardedStream
from pipeline.frame import Image
from tests.support import clips
from tests.support.decoding import Decoded, decode_file

COUNT = 500


@pytest.fixture(scope="module")
def images() -> list[Image]:
    """Return a moving texture below a barcode of the frame's number."""
    images = [np.roll(clips.texture(1), number, axis=1) for number in range(COUNT)]
    for number, image in enumerate(images):
        image[:16] = clips.barcode(number % 256, height=16)
    return images


@pytest.fixture(params=["pyav", "opencv"])
def backend(request: pytest.FixtureRequest) -> BackendName:
    name: BackendName = request.param
    return name


def decode_without_seeking(
    path: Path, monkeypatch: pytest.MonkeyPatch, backend: BackendName, **sampling: float
) -> Decoded:
    with monkeypatch.context() as patch:
        patch.setattr("pipeline.decoding.strategy.SEEK_COST_FRAMES", 10**9)
        decoded = decode_file(path, backend=backend, **sampling)
    assert decoded.result.coverage.skipped == 0
    return decoded


def assert_same(first: Decoded, second: Decoded) -> None:
    for one, other in zip(first.frames, second.frames, strict=True):
        assert (one.index, one.pts_ms, one.segment) == (other.index, other.pts_ms, other.segment)
        assert np.array_equal(one.image, other.image)
    assert first.result.duration_ms == second.result.duration_ms
    assert first.result.start_ms == second.result.start_ms


H264 = {"preset": "veryfast", "g": "25"}
INTRA_REFRESH = {"preset": "veryfast", "x264-params": "intra-refresh=1:keyint=30"}
HEVC = {"preset": "ultrafast", "x265-params": "log-level=none:keyint=25"}
VP8 = {"g": "25", "auto-alt-ref": "1", "lag-in-frames": "16", "cpu-used": "8"}
SEEKABLE = [
    ("h264.mp4", "libx264", H264, 25),
    ("h264.mkv", "libx264", H264, 25),
    ("h264.ts", "libx264", H264, 25),
    ("h264.flv", "libx264", H264, 25),
    ("open-gop.mp4", "libx264", {**H264, "x264-params": "open-gop=1"}, 25),
    ("refresh.ts", "libx264", INTRA_REFRESH, 25),
    ("odd-rate.mp4", "libx264", H264, Fraction(24000, 1001)),
    ("hevc.mp4", "libx265", HEVC, 25),
    ("mpeg2.ts", "mpeg2video", {"g": "12", "bf": "2"}, 25),
    ("mjpeg.avi", "mjpeg", {}, 25),
    ("vp8.webm", "libvpx", VP8, 25),
]


@pytest.mark.parametrize(("name", "codec", "options", "rate"), SEEKABLE)
def test_seeking_returns_the_same_frames_as_full_decoding(  # noqa: PLR0913, PLR0917 - a clip has many properties
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    images: list[Image],
    backend: BackendName,
    name: str,
    codec: str,
    options: dict[str, str],
    rate: int | Fraction,
) -> None:
    path = clips.write_clip(tmp_path / name, images, codec=codec, options=options, rate=rate)
    decoded = decode_file(path, backend=backend, every_seconds=6)
    assert_same(decoded, decode_without_seeking(path, monkeypatch, backend, every_seconds=6))
    coverage = decoded.result.coverage
    assert coverage.skipped > 0
    assert coverage.decoded + coverage.skipped == COUNT


@pytest.mark.parametrize("name", ["clip.mp4", "clip.ts", "clip.mkv"])
def test_a_damaged_video_has_the_same_missing_frames(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    images: list[Image],
    backend: BackendName,
    name: str,
) -> None:
    path = clips.write_clip(tmp_path / name, images, options=H264, rate=25)
    clips.zero_bytes(path, 0.5, 3000)
    decoded = decode_file(path, backend=backend, every_seconds=3)
    without_seeking = decode_without_seeking(path, monkeypatch, backend, every_seconds=3)
    assert_same(decoded, without_seeking)
    assert decoded.result.coverage.lost == without_seeking.result.coverage.lost


def test_a_variable_rate_does_not_prevent_seeking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, images: list[Image], backend: BackendName
) -> None:
    gaps = [20, 60, 33, 47] * 125
    times = [50 + sum(gaps[:n]) for n in range(COUNT)]
    path = clips.write_clip(tmp_path / "vfr.mp4", images, times_ms=times, options=H264)
    decoded = decode_file(path, backend=backend, every_seconds=6)
    assert_same(decoded, decode_without_seeking(path, monkeypatch, backend, every_seconds=6))
    assert decoded.result.coverage.skipped > 0


def test_two_recordings_in_one_file_are_decoded_without_seeking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, images: list[Image], backend: BackendName
) -> None:
    parts = [
        clips.write_clip(tmp_path / f"{n}.ts", images[:250], options=H264, rate=25)
        for n in range(2)
    ]
    path = tmp_path / "joined.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    decoded = decode_file(path, backend=backend, every_seconds=6)
    assert_same(decoded, decode_without_seeking(path, monkeypatch, backend, every_seconds=6))
    assert decoded.result.coverage.skipped == 0


def test_a_video_with_key_frames_far_apart_is_decoded_without_seeking(
    tmp_path: Path, images: list[Image], backend: BackendName
) -> None:
    options = {"preset": "veryfast", "g": "250"}
    path = clips.write_clip(tmp_path / "clip.mp4", images, options=options, rate=25)
    assert decode_file(path, backend=backend, every_seconds=4).result.coverage.skipped == 0


@pytest.mark.parametrize("rate", [30, Fraction(30000, 1001), 25])
def test_a_seek_to_a_key_frame_finds_that_one_and_not_the_one_before(
    tmp_path: Path, images: list[Image], rate: Fraction | int
) -> None:
    """As a float, the milliseconds of a tick can be just below it."""
    options = {"preset": "ultrafast", "g": "7"}
    path = clips.write_clip(tmp_path / "a.mp4", images[:210], rate=rate, options=options)
    with path.open("rb") as file:
        capture, _ = open_capture(
            GuardedStream(file), "a", LimitsConfig(), threads=1, backend="pyav"
        )
        for number in range(0, 210, 7):
            position_ms = float(number * 1000 / Fraction(rate))
            capture.seek(position_ms)
            assert capture.grab()
            assert capture.position_ms is not None
            assert float(capture.position_ms) == pytest.approx(position_ms, abs=0.1)
        capture.release()


def test_seeking_respects_start_and_end(
    tmp_path: Path, images: list[Image], backend: BackendName
) -> None:
    path = clips.write_clip(tmp_path / "clip.mp4", images, options=H264, rate=25)
    decoded = decode_file(path, backend=backend, every_seconds=4, start_seconds=5, end_seconds=13.5)
    assert [frame.index for frame in decoded.frames] == [125, 225, 325]
    assert decoded.result.coverage.skipped > 0
