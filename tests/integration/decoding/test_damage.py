"""Decode damaged clips: decoding continues after the damage, and missing frames are reported."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from tests.support import clips
from tests.support.decoding import decode_file


@pytest.mark.parametrize("name", ["clip.ts", "clip.mp4", "clip.mkv"])
def test_decoding_continues_after_damage_in_the_middle(tmp_path: Path, name: str) -> None:
    path = clips.write_clip(tmp_path / name, clips.textures(100), options={"g": "10"})
    frames, _, log = decode_file(clips.zero_bytes(path, 0.5, 6000))
    times_ms = [frame.pts_ms for frame in frames]
    assert times_ms[-1] >= 9000
    assert len(times_ms) <= 10
    assert all(later - earlier >= 500 for earlier, later in itertools.pairwise(times_ms))
    assert log.stage("decode").items_in >= 60


@pytest.fixture
def damaged_mjpeg(tmp_path: Path) -> Path:
    """Return a clip of 600 frames, or 24 s, from 30 % to 70 % of which are zeroed."""
    images = clips.textures(600, 64, 48)
    path = clips.write_clip(tmp_path / "clip.mov", images, codec="mjpeg", rate=25)
    return clips.zero_bytes(path, 0.3, round(path.stat().st_size * 0.4))


def test_failed_grabs_in_a_long_damage_are_counted(damaged_mjpeg: Path) -> None:
    frames, _, log = decode_file(damaged_mjpeg)
    assert frames[-1].pts_ms >= 23_000
    assert log.stage("decode").failed > 100
    assert log.stage("decode").items_in + log.stage("decode").failed == pytest.approx(600, abs=30)


def test_a_long_damage_is_one_missing_range(damaged_mjpeg: Path) -> None:
    coverage = decode_file(damaged_mjpeg).result.coverage
    assert coverage.decoded + coverage.lost == 600
    assert coverage.share == pytest.approx(0.6, abs=0.05)
    (missing,) = coverage.missing_ranges
    assert missing.from_ms / 1000 == pytest.approx(0.3 * 24, abs=1)
    assert missing.to_ms / 1000 == pytest.approx(0.7 * 24, abs=1)


@pytest.mark.parametrize("name", ["clip.ts", "clip.mkv", "clip.mp4"])
def test_times_after_a_long_damage_are_those_of_the_stream(tmp_path: Path, name: str) -> None:
    # The decoder returns frames from before the damage between those from after it.
    options = {"bf": "3", "g": "60", "preset": "veryfast"}
    path = clips.write_clip(tmp_path / name, clips.textures(500), options=options, rate=25)
    clips.zero_bytes(path, 0.4, path.stat().st_size // 5)
    expected_ms = np.array(clips.frame_times_ms(path))
    times_ms = np.array([frame.pts_ms for frame in decode_file(path, every_seconds=0.001).frames])
    assert len(times_ms) >= 0.95 * len(expected_ms)
    assert times_ms[-1] == pytest.approx(expected_ms.max(), abs=1)
    assert max(np.abs(expected_ms - time).min() for time in times_ms) <= 1


def test_a_transport_stream_that_was_cut_off_is_decoded_up_to_its_end(tmp_path: Path) -> None:
    path = clips.write_clip(tmp_path / "clip.ts", clips.textures(60), options={"g": "10"})
    frames = decode_file(clips.cut_off(path)).frames
    assert [frame.pts_ms for frame in frames[:2]] == [0.0, 1000.0]
    assert 2 <= len(frames) <= 4


def test_the_end_of_an_mp4_that_was_cut_off_is_missing(tmp_path: Path) -> None:
    index_first = {"movflags": "faststart"}
    path = tmp_path / "clip.mp4"
    clips.write_clip(path, clips.textures(100), container_options=index_first)
    coverage = decode_file(clips.cut_off(path)).result.coverage
    assert coverage.lost == 100 - coverage.decoded > 0
    assert coverage.missing_ranges[-1].to_ms == 10_000


def test_the_end_of_an_avi_that_was_cut_off_is_missing(tmp_path: Path) -> None:
    path = clips.write_clip(tmp_path / "clip.avi", clips.textures(100), codec="mjpeg")
    coverage = decode_file(clips.cut_off(path)).result.coverage
    assert 40 < coverage.decoded < 60
    assert coverage.lost == 100 - coverage.decoded
