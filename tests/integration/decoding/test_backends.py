"""The two backends: they agree, and PyAV reads what OpenCV cannot."""

import json
import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from pipeline.config.schema import Config
from pipeline.coverage import Coverage
from pipeline.decoding.backend import BackendName, has_pyav
from pipeline.decoding.opencv.misread import opencv_misreads
from pipeline.decoding.opening import open_video
from pipeline.errors import BrokenError, RejectedError
from pipeline.resources.budget import Budget
from tests.support import clips
from tests.support.decoding import Decoded, decode, decode_file, drained

EVERY_FRAME = 0.001
MPEG2_INTERLACED = {"flags": "+ilme+ildct", "g": "12"}


@pytest.fixture(params=["opencv", "pyav"])
def backend(request: pytest.FixtureRequest) -> BackendName:
    name: BackendName = request.param
    return name


def numbers(decoded: Decoded) -> list[int]:
    return [clips.read_barcode(frame.image) for frame in decoded.frames]


def assert_own_images(decoded: Decoded, count: int, still: int = 0) -> None:
    """Check that each frame has an image of its own; the first `still` all have that of 0.

    Where the size changes, FFmpeg's decoder loses a frame, with both backends: the numbers of the
    images then run ahead of the indexes. They would fall behind if an image were an old one. Where
    two transport streams were joined, two packets have one time, so one is not sampled.
    """
    assert len(decoded.frames) >= count - 4
    moving = [frame for frame in decoded.frames if frame.index >= still]
    ahead = [(clips.read_barcode(frame.image) - frame.index) % 256 for frame in moving]
    assert ahead == sorted(ahead)
    assert (ahead[0], ahead[-1]) in {(0, 0), (0, 1), (0, 2)}
    assert set(numbers(decoded)[:still]) <= {0}


def assert_agree(path: Path, every_seconds: float = EVERY_FRAME) -> Decoded:
    """Decode with both backends, compare all that they return, and return PyAV's."""
    first = decode_file(path, backend="opencv", every_seconds=every_seconds)
    second = decode_file(path, backend="pyav", every_seconds=every_seconds)
    for one, other in zip(first.frames, second.frames, strict=True):
        assert (one.index, one.pts_ms, one.segment) == (other.index, other.pts_ms, other.segment)
        assert np.array_equal(one.image, other.image)
    assert (first.result.duration_ms, first.result.start_ms) == (
        second.result.duration_ms,
        second.result.start_ms,
    )
    assert first.result.coverage.decoded == second.result.coverage.decoded
    return second


CLIPS: list[tuple[str, str, dict[str, str]]] = [
    ("h264.mp4", "libx264", {"bf": "3"}),
    ("h264.mkv", "libx264", {"bf": "3"}),
    ("h264.ts", "libx264", {"bf": "3"}),
    ("h264.flv", "libx264", {}),
    ("h264.avi", "libx264", {"bf": "2"}),
    ("hevc.mp4", "libx265", {"preset": "ultrafast", "x265-params": "log-level=none"}),
    ("mpeg2.ts", "mpeg2video", {"bf": "2"}),
    ("mpeg1.mpg", "mpeg1video", {}),
    ("mpeg4.avi", "mpeg4", {"bf": "2"}),
    ("mjpeg.mov", "mjpeg", {}),
    ("vp9.webm", "libvpx-vp9", {"cpu-used": "8"}),
    ("wmv2.wmv", "wmv2", {}),
]


@pytest.mark.parametrize(("name", "codec", "options"), CLIPS)
def test_both_backends_agree(
    tmp_path: Path, name: str, codec: str, options: dict[str, str]
) -> None:
    images = clips.textures(40)
    path = clips.write_clip(tmp_path / name, images, codec=codec, options=options, rate=25)
    assert assert_agree(path).result.coverage == Coverage(40)
    assert decode_file(path, backend="opencv").result.coverage == Coverage(40)


def test_both_backends_agree_on_the_sample() -> None:
    assert len(assert_agree(clips.SAMPLE, every_seconds=1).frames) == 30


def test_both_backends_agree_on_a_variable_rate_and_a_late_start(tmp_path: Path) -> None:
    times_ms = [700 + sum([20, 60, 33, 47][n % 4] for n in range(number)) for number in range(40)]
    path = clips.write_clip(tmp_path / "clip.mkv", clips.textures(40), times_ms=times_ms)
    assert_agree(path)


def test_both_backends_turn_an_image_as_the_header_says(tmp_path: Path) -> None:
    path = clips.set_rotation(clips.write_clip(tmp_path / "clip.mp4", clips.textures(5)))
    assert assert_agree(path).frames[0].image.shape == (160, 96, 3)


@pytest.mark.parametrize(
    ("brightness", "primaries"), [("bt709", "bt709"), ("bt709", "bt2020"), ("bt709", "smpte432")]
)
def test_both_backends_map_colours_alike(tmp_path: Path, brightness: str, primaries: str) -> None:
    tags = f"transfer={brightness}:colorprim={primaries}:colormatrix=bt709"
    options = {"x264-params": tags, "color_trc": brightness, "color_primaries": primaries}
    assert_agree(clips.write_clip(tmp_path / "clip.mp4", clips.textures(3), options=options))


@pytest.mark.parametrize("name", ["clip.ts", "clip.mkv", "clip.mp4"])
def test_both_backends_go_on_after_damage(tmp_path: Path, name: str) -> None:
    path = clips.write_clip(tmp_path / name, clips.textures(100), options={"g": "10"})
    decoded = assert_agree(clips.zero_bytes(path, 0.5, 6000))
    assert decoded.result.coverage == decode_file(path, backend="opencv").result.coverage
    assert decoded.frames[-1].pts_ms >= 9000


def test_failed_grabs_of_pyav_are_counted(tmp_path: Path) -> None:
    images = clips.textures(600, 64, 48)
    path = clips.write_clip(tmp_path / "clip.mov", images, codec="mjpeg", rate=25)
    clips.zero_bytes(path, 0.3, round(path.stat().st_size * 0.4))
    _, result, log = decode_file(path, backend="pyav")
    assert log.stage("decode").failed > 100
    assert result.coverage.decoded + result.coverage.lost == 600


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("clip.ts", "libx264", {"x264-params": "tff=1:interlaced=1"}),
        ("clip.mp4", "libx264", {"x264-params": "bff=1:interlaced=1", "bf": "3"}),
        ("clip.mpg", "mpeg2video", MPEG2_INTERLACED),
    ],
)
@pytest.mark.parametrize("every_seconds", [EVERY_FRAME, 0.5])
def test_interlaced_frames_keep_their_number_and_their_time(
    tmp_path: Path, name: str, codec: str, options: dict[str, str], every_seconds: float
) -> None:
    path = clips.write_clip(
        tmp_path / name, clips.barcodes(60), codec=codec, options=options, rate=25
    )
    decoded = decode_file(path, backend="pyav", every_seconds=every_seconds)
    assert len(decoded.frames) >= (59 if every_seconds == EVERY_FRAME else 5)
    assert numbers(decoded) == [frame.index for frame in decoded.frames]
    assert [frame.pts_ms for frame in decoded.frames] == [
        pytest.approx(40 * frame.index, abs=41) for frame in decoded.frames
    ]
    assert decoded.result.coverage.decoded == 60


def combing(image: np.ndarray) -> float:
    """Return how much each even line differs from the odd line below it, on average."""
    return float(np.abs(image[::2].astype(int) - image[1::2]).mean())


def test_the_lines_of_another_moment_are_replaced(tmp_path: Path) -> None:
    # Each frame has the even lines of one image and the odd lines of the next, of a bar that moves.
    bars = np.zeros((16, 96, 160, 3), np.uint8)
    for number, bar in enumerate(bars):
        bar[:, 8 * number : 8 * number + 32] = 255
    woven = bars[:-1].copy()
    woven[:, 1::2] = bars[1:, 1::2]
    options = {"x264-params": "tff=1:interlaced=1", "qp": "10"}
    path = clips.write_clip(tmp_path / "clip.mp4", woven, options=options)
    frames = decode_file(path, backend="pyav", every_seconds=EVERY_FRAME).frames
    assert len(frames) == 15
    for frame in frames[1:-1]:  # the first and the last have only one neighbour
        assert combing(frame.image) < combing(woven[frame.index]) / 4


def turns_interlaced(folder: Path, images: list[np.ndarray], more: list[np.ndarray]) -> Path:
    parts = [
        clips.write_clip(
            folder / f"{start}.ts",
            part,
            codec="mpeg2video",
            rate=25,
            options=options,
            container_options={"output_ts_offset": str(start / 25)},
        )
        for start, part, options in [
            (0, images, {"g": "12"}),
            (len(images), more, MPEG2_INTERLACED),
        ]
    ]
    return clips.join(folder / "joined.ts", parts)


def small_barcodes(numbers: range) -> list[np.ndarray]:
    return [clips.barcode(number % 256, 96, 64) for number in numbers]


def test_pyav_converts_a_video_that_turns_interlaced_late(tmp_path: Path) -> None:
    path = turns_interlaced(
        tmp_path, small_barcodes(range(2100)), small_barcodes(range(2100, 2200))
    )
    decoded = decode_file(path, backend="pyav", every_seconds=EVERY_FRAME)
    assert_own_images(decoded, 2200)


def test_pyav_converts_a_video_that_turns_interlaced_after_a_still_scene(tmp_path: Path) -> None:
    path = turns_interlaced(tmp_path, small_barcodes(range(1)) * 60, small_barcodes(range(60, 140)))
    decoded = decode_file(path, backend="pyav", every_seconds=EVERY_FRAME)
    assert_own_images(decoded, 140, still=60)


LOGGED = """
import json, os, sys
os.environ["OPENCV_FFMPEG_LOGLEVEL"] = "16"
log, out = os.memfd_create("log"), os.dup(1)
os.dup2(log, 1)
os.dup2(log, 2)
from pathlib import Path
from pipeline.config.schema import Config
from pipeline.decoding.process.native_log import unbuffer_native_output
from pipeline.decoding.sampling import Sampler, SamplingGrid
from pipeline.decoding.video import Video
from pipeline.errors import BrokenError, RejectedError
from pipeline.runlog import RunLog
from tests.support import clips
unbuffer_native_output()
seen = 0
def refused():
    global seen
    said = os.pread(log, 1 << 20, seen)
    seen += len(said)
    return said.decode(errors="replace") if b"Cannot convert" in said else None
path, config = Path(sys.argv[1]), Config.model_validate({"sampling": {"every_seconds": 0.001}})
numbers, said = [], None
with path.open("rb") as stream:
    video = Video(stream, path.name, config.limits, threads=1, conversion_failed=refused)
    try:
        for frame in video.frames(Sampler(SamplingGrid.from_config(config)), RunLog()):
            numbers.append(clips.read_barcode(frame.image))
    except RejectedError as error:
        said = str(error)
os.write(out, json.dumps([numbers, said]).encode())
"""


@pytest.mark.parametrize("still", [False, True])
def test_ffmpegs_log_tells_the_first_frame_that_opencv_did_not_write(
    tmp_path: Path, *, still: bool
) -> None:
    count = 60 if still else 2100
    images = small_barcodes(range(1)) * 60 if still else small_barcodes(range(count))
    path = turns_interlaced(tmp_path, images, small_barcodes(range(count, count + 60)))
    child = subprocess.run(
        [sys.executable, "-c", LOGGED, path], capture_output=True, check=True, cwd=Path.cwd()
    )
    read, said = json.loads(child.stdout)
    assert read == [0 if still else n % 256 for n in range(count)]
    # The first interlaced frame that is sampled.
    assert f"(frame {count})" in said or f"(frame {count + 1})" in said


def test_a_run_decodes_with_pyav_where_it_is_installed(tmp_path: Path) -> None:
    path = turns_interlaced(tmp_path, small_barcodes(range(1)) * 60, small_barcodes(range(60, 120)))
    config = Config.model_validate({"sampling": {"every_seconds": EVERY_FRAME}})
    budget = Budget.unlimited()
    with (
        path.open("rb") as stream,
        open_video(stream, path.name, config, threads=1, budget=budget) as video,
    ):
        decoded = drained(video, config)
    assert_own_images(decoded, 120, still=60)


def test_a_run_decodes_with_opencv_where_pyav_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.decoding.backend.find_spec", lambda _name: None)
    has_pyav.cache_clear()
    path, _ = bottom_up(tmp_path)
    budget = Budget.unlimited()
    try:
        with (
            path.open("rb") as stream,
            open_video(stream, path.name, Config(), threads=1, budget=budget) as video,
            pytest.raises(RejectedError, match="OpenCV cannot convert"),
        ):
            drained(video, Config())
    finally:
        has_pyav.cache_clear()


def test_a_backend_that_cannot_look_ahead_refuses_frames_on_show() -> None:
    config = Config.model_validate(
        {"sampling": {"pick": "on_show"}, "decoding": {"backend": "opencv"}}
    )
    with pytest.raises(BrokenError, match=r"set decoding\.backend=pyav, or set sampling\.pick"):
        open_video(BytesIO(), "clip", config, threads=1, budget=Budget.unlimited())


def changing(folder: Path, parts: list[dict[str, object]]) -> Path:
    """Join clips of 30 barcodes that differ in one property."""
    paths = [
        clips.write_clip(
            folder / f"{number}.ts",
            [clips.barcode(30 * number + n) for n in range(30)],
            codec="mpeg2video",
            rate=25,
            container_options={"output_ts_offset": str(1.2 * number)},
            **part,  # type: ignore[arg-type]
        )
        for number, part in enumerate(parts)
    ]
    return clips.join(folder / "joined.ts", paths)


@pytest.mark.parametrize(
    "parts",
    [
        [{}, {"size": (80, 48)}, {"size": (320, 192)}],
        [{}, {"pix_fmt": "yuv422p"}, {}],
        [{"options": {"colorspace": "bt709"}}, {"options": {"colorspace": "smpte170m"}}],
        [{}, {"options": {"color_trc": "smpte2084", "color_primaries": "bt2020"}}, {}],
        [{}, {"options": MPEG2_INTERLACED}, {"pix_fmt": "yuv422p"}],
        [{"options": MPEG2_INTERLACED}, {"size": (80, 48), "options": MPEG2_INTERLACED}],
    ],
    ids=["size", "pixel format", "matrix", "HDR", "interlaced on the way", "interlaced sizes"],
)
def test_a_frame_that_differs_from_those_before_has_its_own_image(
    tmp_path: Path, parts: list[dict[str, object]]
) -> None:
    decoded = decode_file(changing(tmp_path, parts), backend="pyav", every_seconds=EVERY_FRAME)
    assert_own_images(decoded, 30 * len(parts))
    assert {frame.image.shape for frame in decoded.frames} == {(96, 160, 3)}


@pytest.mark.parametrize("change", [{"size": (80, 48)}, {"pix_fmt": "yuv422p"}])
def test_both_backends_agree_on_a_video_that_changes(
    tmp_path: Path, change: dict[str, object]
) -> None:
    coverage = assert_agree(changing(tmp_path, [{}, change, {}])).result.coverage
    # FFmpeg's decoder loses a frame at each change. At the first, two packets have one time.
    assert (coverage.decoded, coverage.lost) == (88, 1)


def bottom_up(folder: Path) -> tuple[Path, list[np.ndarray]]:
    images = clips.textures(12)
    path = clips.write_clip(folder / "clip.avi", images, codec="rawvideo", pix_fmt="bgr24")
    return clips.turn_bottom_up(path), [image[::-1] for image in images]


def test_pyav_reads_raw_images_from_the_bottom_up(tmp_path: Path) -> None:
    path, images = bottom_up(tmp_path)
    frames = decode_file(path, backend="pyav", every_seconds=EVERY_FRAME).frames
    assert len(frames) == 12
    assert all(np.array_equal(f.image, image) for f, image in zip(frames, images, strict=True))


def test_opencv_does_not_touch_raw_images_from_the_bottom_up(tmp_path: Path) -> None:
    # It would end the process.
    path, _ = bottom_up(tmp_path)
    with pytest.raises(RejectedError, match="from the bottom up") as rejection:
        decode_file(path, backend="opencv")
    assert rejection.value.reason == "unconvertible"


def test_opencv_knows_raw_images_from_the_bottom_up_without_the_head(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, _ = bottom_up(tmp_path)
    monkeypatch.setattr("pipeline.decoding.capture.opencv_misreads", lambda _: None)
    with pytest.raises(RejectedError, match="from the bottom up"):
        decode_file(path, backend="opencv")


@pytest.mark.parametrize(
    ("pix_fmt", "turn", "is_misread"),
    [
        ("bgr24", clips.turn_bottom_up, True),
        ("bgr24", lambda path: path, False),
        ("bgra", clips.turn_bottom_up, False),
        ("rgb555le", clips.turn_bottom_up, False),
        ("yuyv422", lambda path: path, False),
    ],
)
def test_the_head_of_a_raw_avi_tells_whether_opencv_misreads_it(
    tmp_path: Path, pix_fmt: str, turn: Callable[[Path], Path], *, is_misread: bool
) -> None:
    images = clips.textures(2)
    path = clips.write_clip(tmp_path / "clip.avi", images, codec="rawvideo", pix_fmt=pix_fmt)
    assert (opencv_misreads(turn(path).read_bytes()[:4096]) is not None) is is_misread
    if not is_misread:
        assert_agree(path)


def test_a_head_that_is_cut_short_is_no_misread() -> None:
    assert opencv_misreads(b"RIFF\0\0\0\0AVI strf") is None
    assert opencv_misreads(b"") is None


@pytest.mark.parametrize(
    ("name", "codec", "called"),
    [
        ("clip.mp4", "libx264", "h264"),
        ("clip.mkv", "libx264", "h264"),
        ("clip.avi", "mpeg4", "mpeg4"),
        ("clip.ts", "mpeg2video", "mpeg2video"),
        ("clip.webm", "libvpx-vp9", "vp9"),
    ],
)
def test_only_the_codecs_of_the_limit_are_decoded(
    tmp_path: Path, name: str, codec: str, called: str, backend: BackendName
) -> None:
    path = clips.write_clip(tmp_path / name, clips.barcodes(20), codec=codec)

    def decoded(codecs: list[str]) -> Decoded:
        config = Config.model_validate({"limits": {"codecs": codecs}})
        with path.open("rb") as stream:
            return decode(stream, name, config, backend=backend)

    assert numbers(decoded(["mjpeg", called])) == [0, 10]
    with pytest.raises(RejectedError, match=f"uses the codec {called}; limits.codecs") as rejection:
        decoded(["mjpeg", "prores"])
    assert rejection.value.reason == "codec_not_allowed"


@pytest.mark.parametrize(
    ("backend", "foreign"), [("opencv", "av"), ("pyav", "cv2"), (None, "cv2"), (None, "av")]
)
def test_a_process_loads_only_the_library_that_decodes(backend: str | None, foreign: str) -> None:
    code = f"""
import sys
import pipeline.decoding.video
from pipeline.config.schema import LimitsConfig
from pipeline.decoding.length import header_seconds
from pipeline.decoding.capture import open_capture
from pipeline.decoding.stream import GuardedStream
if {backend!r}:
    stream = GuardedStream(open({str(clips.SAMPLE)!r}, "rb"))
    capture, _ = open_capture(stream, "v", LimitsConfig(), threads=1, backend={backend!r})
    assert capture.grab()
    assert capture.retrieve() is not None
    capture.release()
print({foreign!r} in sys.modules)
"""
    child = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.cwd()
    )
    assert child.stdout.strip() == "False"
