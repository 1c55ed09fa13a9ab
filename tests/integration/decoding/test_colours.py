"""Videos whose colour tags FFmpeg's scaler refuses, and the images that are made of them."""

from pathlib import Path

import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange

from pipeline.config.schema import Config
from pipeline.decoding.process.decoder_process import DecoderProcess
from pipeline.decoding.process.launching import Child
from pipeline.errors import RejectedError
from pipeline.frame import Image
from pipeline.resources.budget import Budget
from tests.support import clips
from tests.support.decoding import decode_file, drained

BT709, UNSPECIFIED, BT2020 = 1, 2, 9
YCGCO = 8


NO_TAGS = {"primaries": UNSPECIFIED, "transfer": UNSPECIFIED, "matrix": UNSPECIFIED}


def clip(folder: Path, *, interlaced: int = 0) -> Path:
    params = {"x264-params": f"interlaced={interlaced}"}
    return clips.write_clip(folder / "clip.ts", clips.textures(3), options=params)


def images(untagged: Path, tags: dict[str, int]) -> list[Image]:
    """Return the images of a clip with these tags."""
    path = clips.tag_colours(untagged.with_name("tagged.ts"), untagged, **NO_TAGS | tags)
    decoded = decode_file(path, every_seconds=0.1)
    assert len(decoded.frames) == 3
    return [frame.image for frame in decoded.frames]


@pytest.mark.parametrize("interlaced", [0, 1])
def test_reserved_tags_count_as_unspecified(tmp_path: Path, interlaced: int) -> None:
    untagged = clip(tmp_path, interlaced=interlaced)
    expected = images(untagged, {})
    for tags in (
        *({"primaries": number} for number in (0, 3, 13, 21, 200)),
        *({"transfer": number} for number in (0, 3, 19, 200)),
        *({"matrix": number} for number in (3, 18, 19, 200)),
        {"primaries": 3, "transfer": 3, "matrix": 3},
    ):
        assert np.array_equal(images(untagged, tags), expected), tags


# Each conversion of primaries takes two seconds, for a table of all colours.
@pytest.mark.parametrize(
    ("same_as", "name", "numbers"),
    [
        # Primaries are mapped, though the curve is unknown.
        ({"primaries": BT2020}, "transfer", (3, 9)),
        # Constant luminance, ICtCp and IPT-C2.
        ({"matrix": BT2020}, "matrix", (10, 14, 15)),
        # Matrices that are derived from the primaries.
        ({"primaries": BT2020, "matrix": BT2020}, "matrix", (12,)),
        ({"primaries": BT709, "matrix": BT709}, "matrix", (11, 13)),
    ],
    ids=str,
)
def test_a_tag_without_a_conversion_is_taken_for_the_nearest_one(
    tmp_path: Path, same_as: dict[str, int], name: str, numbers: tuple[int, ...]
) -> None:
    untagged = clip(tmp_path)
    expected = images(untagged, same_as)
    for number in numbers:
        assert np.array_equal(images(untagged, {**same_as, name: number}), expected), number


def write_ycgco(path: Path, image: Image, *, bits: int, full: bool) -> Path:
    """Encode an image in YCgCo, losslessly. The formula is that of ITU-T H.273."""
    blue, green, red = (image[:, :, plane] / 255 for plane in range(3))
    luma = green / 2 + (red + blue) / 4
    colours = green / 2 - (red + blue) / 4, (red - blue) / 2
    one = 2 ** (bits - 8)
    top = 2**bits - 1
    if full:
        planes = [luma * top, *(each * top + 128 * one for each in colours)]
    else:
        planes = [(16 + 219 * luma) * one, *((128 + 224 * each) * one for each in colours)]
    dtype = np.uint8 if bits == 8 else np.uint16
    whole = np.stack([np.clip(np.rint(plane), 0, top) for plane in planes]).astype(dtype)
    pix_fmt = "yuv444p" if bits == 8 else "yuv444p10le"
    with av.open(str(path), "w") as container:
        options = {"qp": "0", "x264-params": "colormatrix=YCgCo"}
        stream = container.add_stream("libx264", rate=10, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = image.shape[1], image.shape[0], pix_fmt
        stream.codec_context.color_range = ColorRange.JPEG if full else ColorRange.MPEG
        frame = av.VideoFrame(image.shape[1], image.shape[0], pix_fmt)
        frame.color_range = stream.codec_context.color_range
        for plane, values in zip(frame.planes, whole, strict=True):
            plane.update(values.tobytes())
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize("bits", [8, 10])
@pytest.mark.parametrize("full", [False, True])
def test_ycgco_is_converted_by_its_formula(tmp_path: Path, bits: int, *, full: bool) -> None:
    image = clips.texture(0)
    path = write_ycgco(tmp_path / "clip.mp4", image, bits=bits, full=full)
    (frame,) = decode_file(path).frames
    assert np.abs(frame.image.astype(int) - image).max() <= 3


def test_opencv_says_that_the_colours_are_the_fault_and_that_pyav_is_the_remedy(
    tmp_path: Path,
) -> None:
    path = clips.tag_colours(tmp_path / "a.ts", clip(tmp_path), **NO_TAGS | {"matrix": YCGCO})
    config = Config()
    with (
        path.open("rb") as stream,
        DecoderProcess(
            Child("opencv"), stream, "a.ts", config.limits, threads=1, budget=Budget.unlimited()
        ) as video,
        pytest.raises(RejectedError, match="FFmpeg refuses their colour tags") as rejection,
    ):
        drained(video, config)
    assert rejection.value.reason == "unconvertible"
    assert "interlaced" not in str(rejection.value)
    assert "Install pretag[pyav]" in str(rejection.value)
