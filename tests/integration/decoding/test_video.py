"""Decoding real clips: every sampled frame shows the number it should, at the time it should."""

import io
import itertools
import os
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from pipeline.config.schema import Config, LimitsConfig
from pipeline.decoding.header import HeaderInfo
from pipeline.decoding.sampling import Sampler, SamplingGrid
from pipeline.decoding.video import Video
from pipeline.errors import RejectedError
from pipeline.frame import Image
from pipeline.runlog import RunLog
from tests.support import clips
from tests.support.decoding import decode, decode_file


def numbered(count: int, **size: int) -> list[Image]:
    return [clips.barcode(number, **size) for number in range(count)]


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
def test_every_frame_and_time_of_each_codec_equals_pyavs(
    tmp_path: Path, name: str, codec: str
) -> None:
    quiet = {"x265-params": "log-level=none"} if codec == "libx265" else {}
    path = clips.write_clip(tmp_path / name, numbered(40), codec=codec, rate=25, options=quiet)
    frames, _, log = decode_file(path, every_seconds=0.001)
    assert [clips.read_barcode(frame.image) for frame in frames] == list(range(40))
    assert [frame.index for frame in frames] == list(range(40))
    assert (log.stage("decode").items_in, log.stage("decode").failed) == (40, 0)
    times = clips.frame_times_ms(path)
    assert np.abs(np.array([frame.pts_ms for frame in frames]) - times).max() <= 1


@pytest.mark.parametrize("rate", [10, 25, 30, Fraction(24000, 1001), Fraction(30000, 1001)])
def test_one_frame_a_second_at_any_rate(tmp_path: Path, rate: int | Fraction) -> None:
    count = round(rate * 4)
    path = clips.write_clip(tmp_path / "clip.mp4", numbered(count), rate=rate)
    frames, _, _ = decode_file(path)
    period = 1 / Fraction(rate)
    expected = [next(n for n in range(count) if n * period >= k) for k in range(4)]
    assert [frame.index for frame in frames] == expected
    assert [clips.read_barcode(frame.image) for frame in frames] == expected


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.ts"])
def test_variable_rates_are_sampled_by_time(tmp_path: Path, name: str) -> None:
    gaps = [1, 20, 40, 300, 700, 33, 2500, 10] * 6
    times = [50 + sum(gaps[:n]) for n in range(len(gaps))]
    path = clips.write_clip(tmp_path / name, numbered(len(times)), times_ms=times)
    relative = [time - times[0] for time in times]
    served = {
        next(n for n, time in enumerate(relative) if time >= k * 1000)
        for k in range(relative[-1] // 1000 + 1)
    }
    frames, _, _ = decode_file(path)
    assert [frame.index for frame in frames] == sorted(served)
    assert [clips.read_barcode(frame.image) for frame in frames] == sorted(served)
    assert [frame.pts_ms for frame in frames] == [relative[frame.index] for frame in frames]


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.ts"])
def test_times_count_from_the_first_frame_of_a_late_start(tmp_path: Path, name: str) -> None:
    times = [3480 + 40 * n for n in range(60)]
    path = clips.write_clip(tmp_path / name, numbered(60), rate=25, times_ms=times)
    with path.open("rb") as stream:
        frames, result, _ = decode(stream, name)
        assert [frame.pts_ms for frame in frames] == [0.0, 1000.0, 2000.0]
        # To the nearest frame period of the rate that the header claims.
        assert result.start_ms == pytest.approx(3480, abs=40)
        assert result.duration_ms == 59 * 40


def test_images_are_rotated_as_the_header_says(tmp_path: Path) -> None:
    lying = np.zeros((96, 160, 3), dtype=np.uint8)
    lying[:, :40] = 255  # the left side, which a clockwise quarter turn brings to the top
    path = clips.set_rotation(clips.write_clip(tmp_path / "clip.mp4", [lying] * 5))
    (frame,), _, _ = decode_file(path)
    assert frame.image.shape == (160, 96, 3)
    assert frame.image[:35].mean() > 230
    assert frame.image[45:].mean() < 25


def test_only_frames_between_start_and_end_are_sampled(tmp_path: Path) -> None:
    path = clips.write_clip(tmp_path / "clip.mp4", numbered(100), rate=10)
    frames, _, log = decode_file(path, start_seconds=2.5, end_seconds=5, every_seconds=1)
    assert [clips.read_barcode(frame.image) for frame in frames] == [25, 35, 45]
    assert log.stage("decode").items_in == 51  # it ends with the first frame past the end


def zeroed(path: Path, start: float, length: int) -> Path:
    data = bytearray(path.read_bytes())
    middle = round(len(data) * start)
    data[middle : middle + length] = bytes(length)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("name", ["clip.ts", "clip.mp4", "clip.mkv"])
def test_damage_in_the_middle_does_not_end_the_video(tmp_path: Path, name: str) -> None:
    images = [clips.texture(seed) for seed in range(100)]
    path = clips.write_clip(tmp_path / name, images, options={"g": "10"})
    frames, _, log = decode_file(zeroed(path, 0.5, 6000))
    times = [frame.pts_ms for frame in frames]
    assert times[-1] >= 9000
    assert len(times) <= 10
    assert all(later - earlier >= 500 for earlier, later in itertools.pairwise(times))
    assert log.stage("decode").items_in >= 60


def test_decoding_continues_after_a_long_missing_range(tmp_path: Path) -> None:
    images = [clips.texture(seed, 64, 48) for seed in range(600)]
    path = clips.write_clip(tmp_path / "clip.mov", images, codec="mjpeg", rate=25)
    size = path.stat().st_size
    frames, _, log = decode_file(zeroed(path, 0.3, round(size * 0.4)))
    assert frames[-1].pts_ms >= 23_000
    assert log.stage("decode").failed > 100
    assert log.stage("decode").items_in + log.stage("decode").failed == pytest.approx(600, abs=30)


def test_a_clock_set_back_does_not_multiply_the_samples(tmp_path: Path) -> None:
    first = clips.write_clip(tmp_path / "a.ts", numbered(60), rate=25)
    second = clips.write_clip(tmp_path / "b.ts", numbered(60), rate=25)
    joined = tmp_path / "joined.ts"
    joined.write_bytes(first.read_bytes() + second.read_bytes())
    frames, _, log = decode_file(joined)
    assert log.stage("decode").items_in == 120
    assert len(frames) == 5
    assert frames[-1].pts_ms == pytest.approx(4000, abs=80)


@pytest.mark.parametrize(
    "name",
    ["12:30:00.mp4", "cam_%03d.mp4", "file:x.mp4", "-o.mp4", "a\nb.mp4", "höhe 1+2.mp4", "x"],
)
def test_a_file_name_is_never_interpreted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    frames, _, _ = decode_file(
        clips.write_clip(tmp_path / "clip.mp4", numbered(5)).rename(Path(name))
    )
    assert [clips.read_barcode(frame.image) for frame in frames] == [0]


def test_a_file_name_that_is_not_utf8_can_be_opened(tmp_path: Path) -> None:
    clip = clips.write_clip(tmp_path / "clip.mp4", numbered(5))
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff.mp4"))
    frames, _, _ = decode_file(clip.rename(path))
    assert len(frames) == 1


TRAPS = {
    "script": b"ffconcat version 1.0\nfile 'decoy.ts'\n",
    "script under a transport stream's mask": (
        b"ffconcat version 1.0\nfile 'decoy.ts'\n#".ljust(188, b"x") + b"G".ljust(188, b"x") * 4
    ),
    "playlist under an AVI's mask": (
        b"#EXTM3U\nAVI \n#EXT-X-TARGETDURATION:10\n#EXTINF:5,\ndecoy.ts\n#EXT-X-ENDLIST\n"
    ),
    "playlist": b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:5,\ndecoy.ts\n#EXT-X-ENDLIST\n",
    "playlist under an mp4's mask": b"#EXTmoov\n#EXTM3U\n#EXTINF:5,\ndecoy.ts\n#EXT-X-ENDLIST\n",
}


@pytest.mark.parametrize("trap", TRAPS.values(), ids=TRAPS.keys())
def test_a_file_that_refers_to_another_opens_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trap: bytes
) -> None:
    monkeypatch.chdir(tmp_path)
    clips.write_clip(tmp_path / "decoy.ts", numbered(20))
    for name in ("trap.mp4", "trap.m3u8", "trap.ts"):
        (tmp_path / name).write_bytes(trap)
        with pytest.raises(RejectedError):
            decode_file(tmp_path / name)


def test_an_error_of_the_stream_is_raised_and_not_taken_for_the_end(tmp_path: Path) -> None:
    path = clips.write_clip(tmp_path / "clip.ts", [clips.texture(n) for n in range(100)])

    class Failing(io.BytesIO):
        fails = False

        def read(self, size: int | None = -1, /) -> bytes:
            if self.fails:
                raise ConnectionResetError
            return super().read(size)

    grid = SamplingGrid.from_config(Config())
    stream = Failing(path.read_bytes())
    frames = Video(stream, "clip.ts", LimitsConfig(), threads=1).frames(Sampler(grid), RunLog())
    next(frames)
    stream.fails = True
    with pytest.raises(ConnectionResetError):
        list(frames)


Damage = Callable[[Path], object]


@pytest.mark.parametrize(
    ("name", "make", "reason", "says"),
    [
        ("empty.mp4", lambda p: p.write_bytes(b""), "empty", "is empty (0 bytes)"),
        ("text.mp4", lambda p: p.write_text("hello " * 900), "not_a_video", "is not a video"),
        (
            "playlist.mp4",
            lambda p: p.write_text("ffconcat version 1.0\nfile 'x.mp4'\n"),
            "not_a_video",
            "its first bytes match no known container",
        ),
        ("sound.mp4", clips.write_audio, "no_video_stream", "holds only sound"),
        (
            "cut.mp4",
            lambda p: p.write_bytes(clips.write_clip(p, numbered(50)).read_bytes()[:2000]),
            "truncated",
            "is cut short",
        ),
        (
            "av1.mp4",  # a header that promises 20 frames of AV1, of which none decodes
            lambda p: clips.replace_codec(clips.write_clip(p, numbered(20)), b"avc1", b"av01"),
            "no_decodable_frame",
            "codec 'AV01'), but no frame of it could be decoded",
        ),
        (
            "unknown.mp4",
            lambda p: clips.replace_codec(clips.write_clip(p, numbered(20)), b"avc1", b"zzzz"),
            "no_video_stream",
            "its codec is unknown",
        ),
    ],
)
def test_a_bad_video_is_rejected_with_its_reason(
    tmp_path: Path, name: str, make: Damage, reason: str, says: str
) -> None:
    path = tmp_path / name
    make(path)
    with pytest.raises(RejectedError) as caught:
        decode_file(path)
    assert caught.value.reason == reason
    assert says in str(caught.value)
    assert str(caught.value).startswith(name)
    assert "\n" not in str(caught.value)


def test_a_stream_that_is_cut_short_yields_the_frames_it_has(tmp_path: Path) -> None:
    images = [clips.texture(seed) for seed in range(60)]
    path = clips.write_clip(tmp_path / "clip.ts", images, options={"g": "10"})
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    frames, _, _ = decode_file(path)
    assert [frame.pts_ms for frame in frames[:2]] == [0.0, 1000.0]
    assert 2 <= len(frames) <= 4


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("field.ts", "libx264", {"x264-params": "tff=1:interlaced=1"}),
        ("field.mp4", "libx264", {"x264-params": "bff=1:interlaced=1"}),
        ("field.mpg", "mpeg2video", {"flags": "+ildct+ilme"}),
    ],
)
@pytest.mark.parametrize("every_seconds", [0.5, 100])
def test_an_interlaced_video_is_rejected(
    tmp_path: Path, name: str, codec: str, options: dict[str, str], every_seconds: float
) -> None:
    # OpenCV would hand out memory as it finds it, and say that all is well.
    images = [clips.texture(seed, 320, 240) for seed in range(30)]
    path = clips.write_clip(tmp_path / name, images, codec=codec, options=options, rate=25)
    with pytest.raises(RejectedError, match="is interlaced") as caught:
        decode_file(path, every_seconds=every_seconds)
    assert caught.value.reason == "interlaced"


@pytest.mark.parametrize("every_seconds", [0.04, 4])
@pytest.mark.parametrize("params", ["fake-interlaced=1", "interlaced=0"])
def test_a_scene_that_stands_still_is_checked_again_and_accepted(
    tmp_path: Path, params: str, every_seconds: float
) -> None:
    images = [np.zeros_like(clips.barcode(0))] * 225 + numbered(225)
    options = {"x264-params": f"{params}:keyint=25"}
    path = clips.write_clip(tmp_path / "clip.mp4", images, options=options, rate=25)
    frames, _, log = decode_file(path, every_seconds=every_seconds)
    step = round(every_seconds * 25)
    assert [frame.index for frame in frames] == list(range(0, 450, step))
    shown = [clips.read_barcode(frame.image) for frame in frames]
    assert shown == [max(0, index - 225) for index in range(0, 450, step)]
    assert log.stage("decode").items_out == len(frames)
    assert log.stage("decode").failed == 0


def test_frames_in_an_interlaced_stream_are_decoded(tmp_path: Path) -> None:
    # Broadcast encoders write whole frames into streams that could hold fields.
    options = {"x264-params": "fake-interlaced=1"}
    path = clips.write_clip(tmp_path / "clip.mp4", numbered(20), options=options)
    frames, _, _ = decode_file(path, every_seconds=0.001)
    assert [clips.read_barcode(frame.image) for frame in frames] == list(range(20))


def test_coverage_has_the_missing_range(tmp_path: Path) -> None:
    images = [clips.texture(seed, 64, 48) for seed in range(600)]
    path = clips.write_clip(tmp_path / "clip.mov", images, codec="mjpeg", rate=25)
    size = path.stat().st_size
    coverage = decode_file(zeroed(path, 0.3, round(size * 0.4))).result.coverage
    assert coverage.decoded + coverage.lost == 600
    assert coverage.share == pytest.approx(0.6, abs=0.05)
    (missing,) = coverage.missing_ranges
    assert missing.from_ms / 1000 == pytest.approx(0.3 * 24, abs=1)
    assert missing.to_ms / 1000 == pytest.approx(0.7 * 24, abs=1)


def test_the_end_of_an_mp4_that_is_cut_short_is_missing(tmp_path: Path) -> None:
    images = [clips.texture(seed) for seed in range(100)]
    path = clips.write_clip(
        tmp_path / "clip.mp4", images, container_options={"movflags": "faststart"}
    )
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with path.open("rb") as stream:
        coverage = decode(stream, "clip.mp4").result.coverage
    assert coverage.lost == 100 - coverage.decoded
    assert coverage.missing_ranges[-1].to_ms == 10_000


def test_a_video_whose_decoder_makes_no_progress_is_rejected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = clips.write_clip(tmp_path / "clip.mp4", numbered(50))
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    with path.open("rb") as stream:
        video = Video(stream, "clip.mp4", LimitsConfig(stalled_seconds=30), threads=1)
        frames = video.frames(Sampler(SamplingGrid.from_config(Config())), RunLog())
        next(frames)
        now[0] += 29
        video.check_stalled()
        now[0] += 2
        with pytest.raises(
            RejectedError, match="stalls the decoder: it yielded no frame for 30 seconds"
        ):
            video.check_stalled()
        frames.close()


def test_a_stopped_video_yields_no_more_frames(tmp_path: Path) -> None:
    path = clips.write_clip(tmp_path / "clip.mp4", numbered(50))
    with path.open("rb") as stream:
        video = Video(stream, "clip.mp4", LimitsConfig(), threads=1)
        frames = video.frames(Sampler(SamplingGrid.from_config(Config())), RunLog())
        next(frames)
        video.stop()
        assert list(frames) == []


def test_a_video_that_is_longer_than_its_header_says_is_rejected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "pipeline.decoding.capture.read_header", lambda *_: HeaderInfo()
    )  # a header without one
    path = clips.write_clip(tmp_path / "clip.ts", numbered(50), rate=1)
    with path.open("rb") as stream:
        video = Video(stream, "clip.ts", LimitsConfig(hours=0.01), threads=1)
        with pytest.raises(RejectedError, match="is at least") as caught:
            list(video.frames(Sampler(SamplingGrid.from_config(Config())), RunLog()))
    assert caught.value.reason == "too_long"


@pytest.mark.parametrize("name", ["hole.ts", "hole.mkv", "hole.mp4"])
def test_times_after_a_long_missing_range_equal_pyavs(tmp_path: Path, name: str) -> None:
    # The decoder hands out frames from before the hole among those from behind it.
    images = [clips.texture(seed) for seed in range(500)]
    options = {"bf": "3", "g": "60", "preset": "veryfast"}
    path = clips.write_clip(tmp_path / name, images, options=options, rate=25)
    frames, _, _ = decode_file(zeroed(path, 0.4, path.stat().st_size // 5), every_seconds=0.001)
    theirs = np.array(clips.frame_times_ms(path))
    ours = np.array([frame.pts_ms for frame in frames])
    assert len(ours) >= 0.95 * len(theirs)
    assert ours[-1] == pytest.approx(theirs.max(), abs=1)
    assert max(np.abs(theirs - time).min() for time in ours) <= 1


def test_the_end_of_an_avi_that_is_cut_short_is_missing(tmp_path: Path) -> None:
    images = [clips.texture(seed) for seed in range(100)]
    path = clips.write_clip(tmp_path / "clip.avi", images, codec="mjpeg")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with path.open("rb") as stream:
        coverage = decode(stream, "clip.avi").result.coverage
    assert 40 < coverage.decoded < 60
    assert coverage.lost == 100 - coverage.decoded
