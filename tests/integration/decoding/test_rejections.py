"""Videos that cannot be decoded: each is rejected with its reason."""

import io
from collections.abc import Callable
from pathlib import Path

import av
import pytest
from PIL import Image as PillowImage

from pipeline.decoding.backend import BackendName
from pipeline.errors import RejectedError
from tests.support import clips
from tests.support.container_bytes import box
from tests.support.decoding import decode, decode_file
from tests.support.protection import CENC


def write_short_clip(path: Path) -> Path:
    return clips.write_clip(path, clips.barcodes(20))


@pytest.mark.parametrize(
    ("name", "write", "reason", "message"),
    [
        ("empty.mp4", lambda path: path.touch(), "empty", "is empty (0 bytes)"),
        (
            "text.mp4",
            lambda path: path.write_text("hello " * 900),
            "not_a_video",
            "its first bytes match no known container",
        ),
        ("audio.mp4", clips.write_audio, "no_video_stream", "holds only sound"),
        (
            "cut.mp4",
            lambda path: clips.cut_off(write_short_clip(path), 0.2),
            "truncated",
            "is cut short",
        ),
        (
            "av1.mp4",  # the header has 20 frames of AV1, of which none can be decoded
            lambda path: clips.replace_codec(write_short_clip(path), b"avc1", b"av01"),
            "no_decodable_frame",
            "codec 'av01'), but no frame of it could be decoded",
        ),
        (
            "unknown.mp4",
            lambda path: clips.replace_codec(write_short_clip(path), b"avc1", b"zzzz"),
            "no_video_stream",
            "its codec is unknown",
        ),
    ],
)
def test_an_unreadable_video_is_rejected_with_its_reason(
    tmp_path: Path, name: str, write: Callable[[Path], object], reason: str, message: str
) -> None:
    path = tmp_path / name
    write(path)
    with pytest.raises(RejectedError) as rejection:
        decode_file(path)
    assert rejection.value.reason == reason
    assert message in str(rejection.value)
    assert str(rejection.value).startswith(name)
    assert "\n" not in str(rejection.value)


def bytes_before_samples(path: Path) -> int:
    """Return the offset of the first packet. Only the header comes before it."""
    with av.open(str(path)) as container:
        return min(packet.pos for packet in container.demux() if packet.pos is not None)


@pytest.mark.parametrize(
    "clip",
    [
        ("a.mp4", "libx264", {"movflags": "faststart"}),
        ("a.mp4", "libx264", {"movflags": "frag_keyframe"}),
        ("a.mkv", "libx264", {}),
        ("a.flv", "libx264", {}),
        ("a.avi", "mpeg4", {}),
        ("a.wmv", "wmv2", {}),
    ],
)
@pytest.mark.parametrize("more_bytes", [0, 20])
@pytest.mark.parametrize("backend", ["opencv", "pyav"])
def test_a_file_that_ends_behind_its_header_is_cut_short(
    tmp_path: Path, clip: tuple[str, str, dict[str, str]], more_bytes: int, backend: BackendName
) -> None:
    name, codec, options = clip
    path = tmp_path / name
    clips.write_clip(path, clips.textures(20), codec=codec, container_options=options)
    data = path.read_bytes()[: bytes_before_samples(path) + more_bytes]
    with pytest.raises(RejectedError, match="Upload the whole file again") as rejection:
        decode(io.BytesIO(data), name, backend=backend)
    assert rejection.value.reason == "truncated"


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("clip.ts", "libx264", {"x264-params": "tff=1:interlaced=1"}),
        ("clip.mp4", "libx264", {"x264-params": "bff=1:interlaced=1"}),
        ("clip.mpg", "mpeg2video", {"flags": "+ildct+ilme"}),
    ],
)
@pytest.mark.parametrize("every_seconds", [0.5, 100])
def test_opencv_rejects_an_interlaced_video(
    tmp_path: Path, name: str, codec: str, options: dict[str, str], every_seconds: float
) -> None:
    # OpenCV returns uninitialised memory as the image, and reports no error.
    images = clips.textures(30, 320, 240)
    path = clips.write_clip(tmp_path / name, images, codec=codec, options=options, rate=25)
    with pytest.raises(
        RejectedError, match="they are interlaced, or FFmpeg refuses their colour"
    ) as rejection:
        decode_file(path, backend="opencv", every_seconds=every_seconds)
    assert rejection.value.reason == "unconvertible"


class FailingStream(io.BytesIO):
    """A stream whose reads fail from some read on, as a connection that breaks."""

    def __init__(self, data: bytes, good_reads: int) -> None:
        super().__init__(data)
        self._good_reads = good_reads

    def read(self, size: int | None = -1, /) -> bytes:
        self._good_reads -= 1
        if self._good_reads < 0:
            raise ConnectionError("the connection broke")
        return super().read(size)


@pytest.mark.parametrize(
    ("name", "write", "reason"),
    [
        ("photo.gif", lambda path: PillowImage.new("RGB", (64, 64)).save(path), "not_a_video"),
        (
            "photo.heic",
            lambda path: path.write_bytes(box(b"ftyp", b"heic") + box(b"meta", b"x" * 99)),
            "not_a_video",
        ),
        (
            "init.mp4",
            lambda path: path.write_bytes(box(b"ftyp", b"iso5") + box(b"moov", box(b"mvex", b""))),
            "init_segment",
        ),
        ("text.txt", lambda path: path.write_text("hello " * 9000), "not_a_video"),
        (
            "film.mp4",
            lambda path: clips.write_clip(path, clips.barcodes(5), container_options=CENC),
            "encrypted",
        ),
    ],
)
def test_a_connection_that_breaks_is_no_reason_to_reject(
    tmp_path: Path, name: str, write: Callable[[Path], object], reason: str
) -> None:
    write(tmp_path / name)
    data = (tmp_path / name).read_bytes()
    for good_reads in range(100):
        with pytest.raises((ConnectionError, RejectedError)) as error:
            decode(FailingStream(data, good_reads), name)
        if isinstance(error.value, RejectedError):  # it needs no more reads than these
            assert error.value.reason == reason
            return
    pytest.fail("it needs more reads than it should")


@pytest.mark.parametrize(
    ("name", "codec", "pix_fmt"),
    [
        ("film.gif", "gif", "rgb8"),
        ("film.h264", "libx264", "yuv420p"),
        ("a.ts", "libx264", "yuv420p"),
    ],
)
def test_a_video_whose_connection_breaks_is_not_rejected(
    tmp_path: Path, name: str, codec: str, pix_fmt: str
) -> None:
    path = clips.write_clip(tmp_path / name, clips.barcodes(20), codec=codec, pix_fmt=pix_fmt)
    data = path.read_bytes()
    for good_reads in range(100):
        try:
            assert decode(FailingStream(data, good_reads), name).frames
        except ConnectionError:
            continue
        assert good_reads > 1
        return
    pytest.fail("it needs more reads than it should")


# 10 seconds of 10 frames a second: the last frame is at 9.9 s.
RANGES = [
    ({"start_seconds": 20}, "is 20 s, and the last frame that decodes is at 9.9 s"),
    ({"start_seconds": 9.95}, "is 9.95 s, and the last frame that decodes is at 9.9 s"),
    ({"start_seconds": 12, "end_seconds": 15}, "is 12 s, and the last frame that decodes is"),
    (
        {"start_seconds": 0.61, "end_seconds": 0.69},
        "between sampling.start_seconds (0.61 s) and sampling.end_seconds (0.69 s)",
    ),
]


@pytest.mark.parametrize(
    ("sampling", "message"),
    RANGES,
    ids=["after", "just after", "after, with an end", "between frames"],
)
@pytest.mark.parametrize("every_seconds", [1, 100])
@pytest.mark.parametrize("backend", ["opencv", "pyav"])
def test_a_video_without_a_frame_in_the_sampled_range_is_rejected(
    tmp_path: Path,
    sampling: dict[str, float],
    message: str,
    every_seconds: float,
    backend: BackendName,
) -> None:
    path = clips.write_clip(tmp_path / "clip.mp4", clips.barcodes(100), rate=10)
    with pytest.raises(RejectedError) as rejection:
        decode_file(path, backend=backend, every_seconds=every_seconds, **sampling)
    assert rejection.value.reason == "no_sample"
    assert str(rejection.value).startswith("clip.mp4 ")
    assert message in str(rejection.value)


@pytest.mark.parametrize("every_seconds", [1, 100])
def test_a_range_that_begins_with_the_last_frame_has_one_sample(
    tmp_path: Path, every_seconds: float
) -> None:
    path = clips.write_clip(tmp_path / "clip.mp4", clips.barcodes(100), rate=10)
    frames = decode_file(path, every_seconds=every_seconds, start_seconds=9.9).frames
    assert [frame.pts_ms for frame in frames] == [9900]
