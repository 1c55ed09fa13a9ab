"""Samples on key and reference frames: the frames, indexes, times and pixels of full decoding."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support import clips
from tests.support.decoding import Decoded, decode_file

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.decoding.backend import BackendName
    from pipeline.frame import Image

COUNT = 120
H264 = {"preset": "ultrafast", "bf": "2", "sc_threshold": "0"}
_EVERY_FRAME = 0.001


@pytest.fixture(scope="module")
def images() -> list[Image]:
    """Return a moving texture below a barcode of the frame's number."""
    images = [np.roll(clips.texture(1), number, axis=1) for number in range(COUNT)]
    for number, image in enumerate(images):
        image[:16] = clips.barcode(number, height=16)
    return images


def assert_frames_of(snapped: Decoded, path: Path, backend: BackendName = "pyav") -> None:
    """Assert that each sample has the time and the pixels that its index has in full decoding."""
    whole = {
        each.index: each
        for each in decode_file(path, backend=backend, every_seconds=_EVERY_FRAME).frames
    }
    for frame in snapped.frames:
        assert frame.pts_ms == whole[frame.index].pts_ms
        assert np.array_equal(frame.image, whole[frame.index].image)


def key_indexes(path: Path) -> list[int]:
    """Return the frame indexes of the key frames, as FFmpeg's packets have them."""
    with av.open(str(path)) as container:
        packets = [
            (packet.pts, packet.is_keyframe)
            for packet in container.demux(container.streams.video[0])
            if packet.pts is not None and not packet.is_discard
        ]
    return [index for index, (_, is_key) in enumerate(sorted(packets)) if is_key]


HEVC = {"preset": "ultrafast", "x265-params": "log-level=none:keyint=20:min-keyint=20:scenecut=0"}
CLIPS = [
    ("h264.mp4", "libx264", {**H264, "g": "20"}),
    ("h264.mkv", "libx264", {**H264, "g": "20"}),
    ("h264.ts", "libx264", {**H264, "g": "20"}),
    ("open.mp4", "libx264", {**H264, "g": "20", "x264-params": "open-gop=1"}),
    ("hevc.mp4", "libx265", HEVC),
    ("vp8.webm", "libvpx", {"g": "20", "cpu-used": "8", "deadline": "realtime"}),
    ("mpeg2.ts", "mpeg2video", {"g": "20", "bf": "2", "sc_threshold": "1000000000"}),
    ("mpeg4.avi", "mpeg4", {"g": "20"}),
    ("mjpeg.mov", "mjpeg", {}),
]


@pytest.mark.parametrize(("name", "codec", "options"), CLIPS)
def test_key_frames_are_sampled_and_nothing_else_is_decoded(
    tmp_path: Path, images: list[Image], name: str, codec: str, options: dict[str, str]
) -> None:
    path = clips.write_clip(tmp_path / name, images, codec=codec, options=options, rate=20)
    snapped = decode_file(path, snap="key")
    keys = key_indexes(path)
    assert {frame.index for frame in snapped.frames} <= set(keys)
    assert len(snapped.frames) == 6
    assert_frames_of(snapped, path)
    coverage = snapped.result.coverage
    assert coverage.decoded + coverage.skipped == COUNT
    # Up to the second key frame, all frames are decoded.
    assert coverage.decoded <= keys[1] + 1 + 5
    assert coverage.lost == 0
    assert snapped.result.note is None


def test_opencv_samples_the_same_key_frames(tmp_path: Path, images: list[Image]) -> None:
    path = clips.write_clip(tmp_path / "clip.mp4", images, options={**H264, "g": "20"}, rate=20)
    snapped = decode_file(path, backend="opencv", snap="key")
    assert [frame.index for frame in snapped.frames] == [0, 20, 40, 60, 80, 100]
    assert_frames_of(snapped, path, backend="opencv")


def test_where_key_frames_are_far_apart_samples_between_them_are_exact(
    tmp_path: Path, images: list[Image]
) -> None:
    path = clips.write_clip(tmp_path / "clip.mp4", images, options={**H264, "g": "70"}, rate=20)
    snapped = decode_file(path, snap="key")
    assert [frame.index for frame in snapped.frames] == [0, 20, 40, 70, 100]
    assert_frames_of(snapped, path)
    assert snapped.result.note is not None
    assert "3 of 5 samples are no key frames" in snapped.result.note


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    group=st.integers(2, 40),
    between=st.integers(0, 3),
    every=st.integers(200, 2500),
    start_ms=st.sampled_from([0, 40, 3000]),
    gaps=st.lists(st.sampled_from([20, 40, 40, 40, 100, 700]), min_size=60, max_size=60),
)
def test_any_clip_gives_the_frames_of_full_decoding(  # noqa: PLR0913, PLR0917 - what clips differ in
    tmp_path_factory: pytest.TempPathFactory,
    images: list[Image],
    group: int,
    between: int,
    every: int,
    start_ms: int,
    gaps: list[int],
) -> None:
    times_ms = [start_ms + sum(gaps[:number]) for number in range(60)]
    options = {**H264, "g": str(group), "bf": str(between)}
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    clips.write_clip(path, images[:60], options=options, times_ms=times_ms)
    whole = decode_file(path, every_seconds=_EVERY_FRAME)
    for snap in ("key", "reference"):
        snapped = decode_file(path, snap=snap, every_seconds=every / 1000)
        indexes = [frame.index for frame in snapped.frames]
        assert indexes == sorted(set(indexes))
        for frame in snapped.frames:
            same = whole.frames[frame.index]
            assert (frame.index, frame.pts_ms) == (same.index, same.pts_ms)
            assert np.array_equal(frame.image, same.image)
        coverage = snapped.result.coverage
        assert (coverage.decoded + coverage.skipped, coverage.lost) == (60, 0)


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("h264.mp4", "libx264", {**H264, "g": "60"}),
        ("h264.ts", "libx264", {"preset": "veryfast", "bf": "3", "g": "60"}),
        ("mpeg2.ts", "mpeg2video", {"g": "15", "bf": "2"}),
        ("mpeg4.mp4", "mpeg4", {"g": "60", "bf": "2"}),
    ],
)
def test_reference_frames_are_decoded_without_the_others(
    tmp_path: Path, images: list[Image], name: str, codec: str, options: dict[str, str]
) -> None:
    path = clips.write_clip(tmp_path / name, images, codec=codec, options=options, rate=20)
    snapped = decode_file(path, snap="reference")
    assert len(snapped.frames) == 6
    for number, frame in enumerate(snapped.frames):
        assert abs(frame.index - 20 * number) <= 2
    assert_frames_of(snapped, path)
    coverage = snapped.result.coverage
    assert (coverage.decoded + coverage.skipped, coverage.lost) == (COUNT, 0)
    assert coverage.decoded < 0.7 * COUNT
    assert snapped.result.note is None


@pytest.mark.parametrize(
    ("name", "codec", "options", "snap", "reason"),
    [
        ("hevc.mp4", "libx265", HEVC, "reference", "and not of hevc"),
        ("clip.h264", "libx264", {**H264, "g": "20"}, "key", "its packets show damage, or do not"),
    ],
)
def test_what_cannot_be_followed_is_exact_and_said(  # noqa: PLR0913, PLR0917 - clips and answers
    tmp_path: Path,
    images: list[Image],
    name: str,
    codec: str,
    options: dict[str, str],
    snap: str,
    reason: str,
) -> None:
    path = clips.write_clip(tmp_path / name, images, codec=codec, options=options, rate=20)
    snapped, exact = decode_file(path, snap=snap), decode_file(path)
    assert [frame.index for frame in snapped.frames] == [frame.index for frame in exact.frames]
    assert snapped.result.coverage == exact.result.coverage
    assert snapped.result.note is not None
    assert f"sampling.snap is {snap}, but every frame was decoded" in snapped.result.note
    assert reason in snapped.result.note


@pytest.mark.parametrize("snap", ["key", "reference"])
def test_a_damaged_video_is_decoded_as_a_whole(
    tmp_path: Path, images: list[Image], snap: str
) -> None:
    path = clips.write_clip(tmp_path / "clip.mp4", images, options={**H264, "g": "20"}, rate=20)
    clips.zero_bytes(path, 0.5, 3000)
    snapped, exact = decode_file(path, snap=snap), decode_file(path)
    assert [frame.index for frame in snapped.frames] == [frame.index for frame in exact.frames]
    assert snapped.result.coverage == exact.result.coverage
    assert snapped.result.note is not None


def test_interlaced_key_frames_are_not_decoded_alone(tmp_path: Path, images: list[Image]) -> None:
    options = {**H264, "g": "20", "x264-params": "tff=1"}
    path = clips.write_clip(tmp_path / "clip.mp4", images, options=options, rate=Fraction(20))
    snapped, exact = decode_file(path, snap="key"), decode_file(path)
    assert [frame.index for frame in snapped.frames] == [frame.index for frame in exact.frames]
    for one, other in zip(snapped.frames, exact.frames, strict=True):
        assert np.array_equal(one.image, other.image)
    assert snapped.result.note is not None
    assert "its frames are interlaced" in snapped.result.note


SHOWN = [0, 100, 19_000, 19_050, 25_000]


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.ts"])
@pytest.mark.parametrize("every_seconds", [1, 6])
def test_the_frame_on_show_is_sampled(tmp_path: Path, name: str, every_seconds: int) -> None:
    path = clips.write_clip(tmp_path / name, clips.textures(5), times_ms=SHOWN, options=H264)
    found = decode_file(path, pick="on_show", every_seconds=every_seconds)
    points = range(0, 25_001, 1000 * every_seconds)
    expected = {max(at for at, time in enumerate(SHOWN) if time <= point) for point in points}
    assert [frame.index for frame in found.frames] == sorted(expected)
    assert [frame.pts_ms for frame in found.frames] == [SHOWN[at] for at in sorted(expected)]
    assert_frames_of(found, path)


def test_the_frame_on_show_does_not_change_what_is_lost(
    tmp_path: Path, images: list[Image]
) -> None:
    path = clips.write_clip(tmp_path / "clip.mkv", images, options={**H264, "g": "20"}, rate=20)
    clips.zero_bytes(path, 0.5, 3000)
    found, exact = decode_file(path, pick="on_show"), decode_file(path)
    assert found.result.coverage == exact.result.coverage
    assert found.result.coverage.lost > 0
    assert_frames_of(found, path)
