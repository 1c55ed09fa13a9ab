"""Containers of all kinds, told by their first bytes or by FFmpeg among the self-contained ones."""

import io
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from pipeline.decoding.backend import BackendName
from pipeline.errors import RejectedError
from tests.support import clips
from tests.support.container_bytes import box
from tests.support.decoding import decode, decode_file

FRAMES = 20
JPEG_2000 = b"\0\0\0\x0cjP  \r\n\x87\n"


class Clip(NamedTuple):
    """A kind of file: its name, the encoder and its options, and frames per second."""

    name: str
    codec: str
    rate: int
    pix_fmt: str = "yuv420p"
    options: dict[str, str] | None = None


CLIPS = [
    Clip("clip.h264", "libx264", 25, options={"bf": "2"}),
    Clip("clip.hevc", "libx265", 25, options={"x265-params": "log-level=none"}),
    Clip("clip.m4v", "mpeg4", 25),
    Clip("clip.mjpeg", "mjpeg", 25),
    Clip("clip.obu", "libsvtav1", 25),
    Clip("clip.ivf", "libvpx-vp9", 10),
    Clip("clip.y4m", "wrapped_avframe", 10),
    Clip("clip.rm", "rv20", 10),
    Clip("clip.mxf", "mpeg2video", 25),
    Clip("clip.nut", "mpeg4", 10),
    Clip("clip.wtv", "mpeg2video", 25),
    Clip("clip.swf", "flv", 10),
    Clip("clip.gif", "gif", 10, "rgb8"),
    Clip("clip.apng", "apng", 10, "rgb24"),
    Clip("clip.mov", "jpeg2000", 10),
]


@pytest.fixture(params=["opencv", "pyav"])
def backend(request: pytest.FixtureRequest) -> BackendName:
    name: BackendName = request.param
    return name


@pytest.mark.parametrize("clip", CLIPS, ids=lambda clip: clip.name)
def test_each_frame_of_a_container_is_decoded_whatever_its_name(
    tmp_path: Path, backend: BackendName, clip: Clip
) -> None:
    path = clips.write_clip(
        tmp_path / clip.name,
        clips.barcodes(FRAMES),
        codec=clip.codec,
        rate=clip.rate,
        options=clip.options,
        pix_fmt=clip.pix_fmt,
    )
    with path.open("rb") as stream:
        decoded = decode(stream, "upload.bin", backend=backend)
    assert decoded.result.coverage.decoded == FRAMES
    assert decoded.result.coverage.lost == 0
    assert decoded.result.duration_ms == pytest.approx(1000 * (FRAMES - 1) / clip.rate, abs=1)
    every = decode_file(path, backend=backend, every_seconds=1 / clip.rate).frames
    assert [clips.read_barcode(frame.image) for frame in every] == list(range(FRAMES))


def test_dv_is_decoded(tmp_path: Path) -> None:
    images = [clips.texture(number, 720, 576) for number in range(5)]
    path = clips.write_clip(tmp_path / "clip.dv", images, codec="dvvideo", rate=25)
    decoded = decode_file(path, every_seconds=0.04)
    assert [frame.pts_ms for frame in decoded.frames] == [0, 40, 80, 120, 160]


def test_motion_jpeg_2000_is_decoded(tmp_path: Path, backend: BackendName) -> None:
    images = clips.barcodes(FRAMES)
    path = clips.write_clip(tmp_path / "clip.mov", images, codec="jpeg2000", rate=10)
    data = path.read_bytes()
    assert data[24:28] == b"wide"  # after it come the frames, whose offsets must not change
    path.write_bytes(JPEG_2000 + box(b"ftyp", b"mjp2" + bytes(4)) + data[28:])
    frames = decode_file(path, backend=backend, every_seconds=0.5).frames
    assert [clips.read_barcode(frame.image) for frame in frames] == [0, 5, 10, 15]


def test_a_recording_of_hikvision_is_read_past_its_header(
    tmp_path: Path, backend: BackendName
) -> None:
    images = clips.barcodes(FRAMES)
    path = clips.write_clip(tmp_path / "clip.mpg", images, codec="mpeg2video", rate=25)
    header = b"IMKH\1\1\1\0\2\0\0\1".ljust(40, b"\0")  # 2: a program stream follows
    path.write_bytes(header + path.read_bytes())
    frames = decode_file(path, backend=backend, every_seconds=0.2).frames
    assert [clips.read_barcode(frame.image) for frame in frames] == [0, 5, 10, 15]


def test_an_animated_webp_is_told_how_to_convert_it(tmp_path: Path) -> None:
    path = clips.write_clip(tmp_path / "a.webp", clips.barcodes(5), codec="libwebp_anim")
    with pytest.raises(RejectedError, match=r"is an animated WebP.*magick IN") as rejection:
        decode_file(path)
    assert rejection.value.reason == "not_a_video"


@pytest.mark.parametrize("seed", range(20))
def test_noise_is_not_a_video(seed: int, backend: BackendName) -> None:
    noise = np.random.default_rng(seed).bytes(300_000)
    with pytest.raises(RejectedError) as rejection:
        decode(io.BytesIO(noise), "noise.h264", backend=backend)
    assert rejection.value.reason == "not_a_video"
    assert "ffmpeg -i IN OUT.mp4" in str(rejection.value)
