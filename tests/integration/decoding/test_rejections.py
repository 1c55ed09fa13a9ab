"""Videos that cannot be decoded: each is rejected with its reason."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.errors import RejectedError
from tests.support import clips
from tests.support.decoding import decode_file


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
            "codec 'AV01'), but no frame of it could be decoded",
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


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("clip.ts", "libx264", {"x264-params": "tff=1:interlaced=1"}),
        ("clip.mp4", "libx264", {"x264-params": "bff=1:interlaced=1"}),
        ("clip.mpg", "mpeg2video", {"flags": "+ildct+ilme"}),
    ],
)
@pytest.mark.parametrize("every_seconds", [0.5, 100])
def test_an_interlaced_video_is_rejected(
    tmp_path: Path, name: str, codec: str, options: dict[str, str], every_seconds: float
) -> None:
    # OpenCV returns uninitialised memory as the image, and reports no error.
    images = clips.textures(30, 320, 240)
    path = clips.write_clip(tmp_path / name, images, codec=codec, options=options, rate=25)
    with pytest.raises(RejectedError, match="is interlaced") as rejection:
        decode_file(path, every_seconds=every_seconds)
    assert rejection.value.reason == "interlaced"
