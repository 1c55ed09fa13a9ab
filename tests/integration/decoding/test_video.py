"""Decode intact clips: each sampled frame has the right image and the right time."""

import io
import os
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from pipeline.config.schema import Config, LimitsConfig
from pipeline.decoding.header import HeaderInfo
from pipeline.decoding.video import Video
from pipeline.errors import RejectedError
from tests.support import clips
from tests.support.decoding import decode_file, sampled_frames

CODECS = [
    ("h264.mp4", "libx264"),
    ("h264.mkv", "libx264"),
    ("h264.mov", "libx264"),
    ("h264.ts", "libx264"),
    ("hevc.mp4", "libx265"),
    ("vp9.webm", "libvpx-vp9"),
    ("mpeg4.avi", "mpeg4"),
    ("mpeg2.mpg", "mpeg2video"),
    ("mjpeg.avi", "mjpeg"),
    ("av1.mp4", "libsvtav1"),
    ("wmv2.wmv", "wmv2"),
    ("flv1.flv", "flv1"),
]


@pytest.mark.parametrize(("name", "codec"), CODECS)
def test_every_frame_of_each_codec_is_decoded(tmp_path: Path, name: str, codec: str) -> None:
    options = {"x265-params": "log-level=none"} if codec == "libx265" else {}
    images = clips.barcodes(40)
    path = clips.write_clip(tmp_path / name, images, codec=codec, rate=25, options=options)
    frames, _, log = decode_file(path, every_seconds=0.001)
    assert [clips.read_barcode(frame.image) for frame in frames] == list(range(40))
    assert [frame.index for frame in frames] == list(range(40))
    assert (log.stage("decode").items_in, log.stage("decode").failed) == (40, 0)
    expected_ms = np.array(clips.frame_times_ms(path))
    assert np.abs(np.array([frame.pts_ms for frame in frames]) - expected_ms).max() <= 1


@pytest.mark.parametrize("rate", [10, 25, 30, Fraction(24000, 1001), Fraction(30000, 1001)])
def test_one_frame_a_second_is_sampled_at_any_rate(tmp_path: Path, rate: int | Fraction) -> None:
    count = round(rate * 4)
    path = clips.write_clip(tmp_path / "clip.mp4", clips.barcodes(count), rate=rate)
    frames = decode_file(path).frames
    period = 1 / Fraction(rate)
    expected = [next(n for n in range(count) if n * period >= k) for k in range(4)]
    assert [frame.index for frame in frames] == expected
    assert [clips.read_barcode(frame.image) for frame in frames] == expected


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.ts"])
def test_a_video_with_a_variable_rate_is_sampled_by_time(tmp_path: Path, name: str) -> None:
    gaps = [1, 20, 40, 300, 700, 33, 2500, 10] * 6
    times_ms = [50 + sum(gaps[:n]) for n in range(len(gaps))]
    path = clips.write_clip(tmp_path / name, clips.barcodes(len(times_ms)), times_ms=times_ms)
    pts_ms = [time - times_ms[0] for time in times_ms]
    seconds = range(pts_ms[-1] // 1000 + 1)
    samples = {
        next(n for n, time in enumerate(pts_ms) if time >= 1000 * second) for second in seconds
    }
    frames = decode_file(path).frames
    assert [frame.index for frame in frames] == sorted(samples)
    assert [clips.read_barcode(frame.image) for frame in frames] == sorted(samples)
    assert [frame.pts_ms for frame in frames] == [pts_ms[frame.index] for frame in frames]


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.ts"])
def test_times_count_from_the_first_frame_and_the_start_is_reported(
    tmp_path: Path, name: str
) -> None:
    times_ms = [3480 + 40 * n for n in range(60)]
    path = clips.write_clip(tmp_path / name, clips.barcodes(60), rate=25, times_ms=times_ms)
    frames, result, _ = decode_file(path)
    assert [frame.pts_ms for frame in frames] == [0.0, 1000.0, 2000.0]
    # The start is exact to one frame period of the rate in the header.
    assert result.start_ms == pytest.approx(3480, abs=40)
    assert result.duration_ms == 59 * 40


def test_the_rotation_of_the_header_is_applied(tmp_path: Path) -> None:
    image = np.zeros((96, 160, 3), dtype=np.uint8)
    image[:, :40] = 255  # the left side, which a clockwise quarter turn moves to the top
    path = clips.set_rotation(clips.write_clip(tmp_path / "clip.mp4", [image] * 5))
    (frame,) = decode_file(path).frames
    assert frame.image.shape == (160, 96, 3)
    assert frame.image[:35].mean() > 230
    assert frame.image[45:].mean() < 25


def test_decoding_ends_with_the_first_frame_after_the_end(tmp_path: Path) -> None:
    path = clips.write_clip(tmp_path / "clip.mp4", clips.barcodes(100), rate=10)
    frames, _, log = decode_file(path, start_seconds=2.5, end_seconds=5, every_seconds=1)
    assert [clips.read_barcode(frame.image) for frame in frames] == [25, 35, 45]
    assert log.stage("decode").items_in == 51


def test_two_joined_recordings_are_sampled_as_one_video(tmp_path: Path) -> None:
    # The clock of the stream is set back where the second recording starts.
    parts = [
        clips.write_clip(tmp_path / f"{n}.ts", clips.barcodes(60), rate=25).read_bytes()
        for n in range(2)
    ]
    path = tmp_path / "joined.ts"
    path.write_bytes(b"".join(parts))
    frames, _, log = decode_file(path)
    assert log.stage("decode").items_in == 120
    assert len(frames) == 5
    assert frames[-1].pts_ms == pytest.approx(4000, abs=80)


@pytest.mark.parametrize("every_seconds", [0.04, 4])
@pytest.mark.parametrize("params", ["fake-interlaced=1", "interlaced=0"])
def test_a_static_scene_is_not_taken_for_an_interlaced_video(
    tmp_path: Path, params: str, every_seconds: float
) -> None:
    # An image that equals the one before it may be one that OpenCV did not write.
    images = [np.zeros_like(clips.barcode(0))] * 225 + clips.barcodes(225)
    options = {"x264-params": f"{params}:keyint=25"}
    path = clips.write_clip(tmp_path / "clip.mp4", images, options=options, rate=25)
    frames, _, log = decode_file(path, every_seconds=every_seconds)
    indexes = range(0, 450, round(every_seconds * 25))
    assert [frame.index for frame in frames] == list(indexes)
    numbers = [clips.read_barcode(frame.image) for frame in frames]
    assert numbers == [max(0, index - 225) for index in indexes]
    assert (log.stage("decode").items_out, log.stage("decode").failed) == (len(frames), 0)


def test_progressive_frames_in_an_interlaced_stream_are_decoded(tmp_path: Path) -> None:
    # Broadcast encoders write progressive frames into streams that are marked as interlaced.
    options = {"x264-params": "fake-interlaced=1"}
    path = clips.write_clip(tmp_path / "clip.mp4", clips.barcodes(20), options=options)
    frames = decode_file(path, every_seconds=0.001).frames
    assert [clips.read_barcode(frame.image) for frame in frames] == list(range(20))


@pytest.mark.parametrize(
    "name",
    ["12:30:00.mp4", "cam_%03d.mp4", "file:x.mp4", "-o.mp4", "a\nb.mp4", "höhe 1+2.mp4", "x"],
)
def test_no_file_name_has_a_special_meaning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = clips.write_clip(tmp_path / "clip.mp4", clips.barcodes(5)).rename(Path(name))
    frames = decode_file(path).frames
    assert [clips.read_barcode(frame.image) for frame in frames] == [0]


def test_a_file_name_that_is_not_utf_8_is_opened(tmp_path: Path) -> None:
    clip = clips.write_clip(tmp_path / "clip.mp4", clips.barcodes(5))
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff.mp4"))
    assert len(decode_file(clip.rename(path)).frames) == 1


def test_an_error_of_the_stream_is_raised(tmp_path: Path) -> None:
    class FailingStream(io.BytesIO):
        fails = False

        def read(self, size: int | None = -1, /) -> bytes:
            if self.fails:
                raise ConnectionResetError
            return super().read(size)

    path = clips.write_clip(tmp_path / "clip.ts", clips.textures(100))
    stream = FailingStream(path.read_bytes())
    frames = sampled_frames(Video(stream, "clip.ts", LimitsConfig(), threads=1))
    next(frames)
    stream.fails = True
    with pytest.raises(ConnectionResetError):
        list(frames)


def test_a_decoder_without_progress_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = clips.write_clip(tmp_path / "clip.mp4", clips.barcodes(50))
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    with path.open("rb") as stream:
        video = Video(stream, "clip.mp4", LimitsConfig(stalled_seconds=30), threads=1)
        frames = sampled_frames(video)
        next(frames)
        now[0] += 29
        video.check_stalled()
        now[0] += 2
        with pytest.raises(RejectedError, match="yielded no frame for 30 seconds") as rejection:
            video.check_stalled()
        frames.close()
    assert rejection.value.reason == "stalled"


def test_no_frame_follows_after_stop(tmp_path: Path) -> None:
    path = clips.write_clip(tmp_path / "clip.mp4", clips.barcodes(50))
    with path.open("rb") as stream:
        video = Video(stream, "clip.mp4", LimitsConfig(), threads=1)
        frames = sampled_frames(video)
        next(frames)
        video.stop()
        assert list(frames) == []


def test_a_video_that_is_longer_than_the_limit_is_rejected_without_a_header(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.decoding.capture.read_header", lambda *_: HeaderInfo())
    path = clips.write_clip(tmp_path / "clip.ts", clips.barcodes(50), rate=1)
    config = Config(limits=LimitsConfig(hours=0.01))
    with path.open("rb") as stream:
        video = Video(stream, "clip.ts", config.limits, threads=1)
        with pytest.raises(RejectedError, match="is at least") as rejection:
            list(sampled_frames(video, config))
    assert rejection.value.reason == "too_long"
