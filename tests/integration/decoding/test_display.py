"""Mirrored, turned and non-square videos: the images are what a player shows."""

import io
import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image as PillowImage

from pipeline.config.schema import Config
from pipeline.decoding.backend import BackendName
from pipeline.errors import RejectedError
from pipeline.frame import Display, Image
from tests.support import clips
from tests.support.decoding import Decoded, decode, decode_file

WIDTH, HEIGHT = 160, 96
ROOT = Path(__file__).parents[3]
# EXIF orientation -> numbers a, b, c, d of the matrix, mirrored, rotation.
ORIENTATIONS = {
    1: ((1, 0, 0, 1), False, 0),
    2: ((-1, 0, 0, 1), True, 0),
    3: ((-1, 0, 0, -1), False, 180),
    4: ((1, 0, 0, -1), True, 180),
    5: ((0, 1, 1, 0), True, 270),
    6: ((0, 1, -1, 0), False, 90),
    7: ((0, -1, -1, 0), True, 90),
    8: ((0, -1, 1, 0), False, 270),
}


def as_displayed(image: Image, exif: int) -> Image:
    """Turn an image as Pillow turns a photo with an EXIF orientation."""
    methods: dict[int, Any] = {
        2: PillowImage.Transpose.FLIP_LEFT_RIGHT,
        3: PillowImage.Transpose.ROTATE_180,
        4: PillowImage.Transpose.FLIP_TOP_BOTTOM,
        5: PillowImage.Transpose.TRANSPOSE,
        6: PillowImage.Transpose.ROTATE_270,
        7: PillowImage.Transpose.TRANSVERSE,
        8: PillowImage.Transpose.ROTATE_90,
    }
    if exif == 1:
        return image
    return np.asarray(PillowImage.fromarray(image).transpose(methods[exif]))


def assert_alike(image: Image, expected: Image, levels: float = 8) -> None:
    assert image.shape == expected.shape
    assert np.abs(image.astype(int) - expected).mean() < levels


def matrix_clip(folder: Path, exif: int) -> Path:
    path = clips.write_clip(folder / "clip.mp4", clips.textures(3), options={"qp": "10"})
    return clips.set_matrix(path, ORIENTATIONS[exif][0])


def exif_clip(folder: Path, exif: int) -> Path:
    """Write Motion JPEG whose images have an EXIF orientation, as cameras do."""
    path = folder / "clip.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=10)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuvj420p"
        for number, image in enumerate(clips.textures(3)):
            tags, jpeg = PillowImage.Exif(), io.BytesIO()
            tags[0x112] = exif
            PillowImage.fromarray(image[:, :, ::-1]).save(jpeg, "jpeg", quality=95, exif=tags)
            packet = av.Packet(jpeg.getvalue())
            packet.stream, packet.time_base = stream, Fraction(1, 10)
            packet.pts = packet.dts = number
            packet.is_keyframe = True
            container.mux(packet)
    return path


@pytest.mark.parametrize("exif", ORIENTATIONS)
@pytest.mark.parametrize("write", [matrix_clip, exif_clip])
def test_an_image_is_mirrored_and_turned_as_a_player_does(
    tmp_path: Path, write: Callable[[Path, int], Path], exif: int
) -> None:
    _, mirrored, rotation = ORIENTATIONS[exif]
    frames, result, _ = decode_file(write(tmp_path, exif), every_seconds=0.1)
    assert result.display == Display(WIDTH, HEIGHT, "1:1", mirrored, rotation)
    for seed, frame in enumerate(frames):
        assert_alike(frame.image, as_displayed(clips.texture(seed), exif))


def test_an_image_at_an_angle_of_45_degrees_stays_as_it_is(tmp_path: Path) -> None:
    path = clips.write_clip(tmp_path / "clip.mp4", clips.textures(3), options={"qp": "10"})
    clips.set_matrix(path, (0.7071, 0.7071, -0.7071, 0.7071))
    assert_alike(decode_file(path).frames[0].image, clips.texture(0))


def squeezed(
    folder: Path, ratio: Fraction, width: int, height: int, name: str = "clip.mp4"
) -> Path:
    images = [clips.texture(0, width, height)] * 3
    return clips.write_clip(folder / name, images, sample_aspect_ratio=ratio, options={"qp": "10"})


def configured(
    path: Path, *, square_pixels: bool, megapixels: float = 36, backend: BackendName = "pyav"
) -> Decoded:
    config = Config.model_validate(
        {"limits": {"megapixels": megapixels}, "decoding": {"square_pixels": square_pixels}}
    )
    with path.open("rb") as stream:
        return decode(stream, path.name, config, backend=backend)


@pytest.mark.parametrize("backend", ["opencv", "pyav"])
@pytest.mark.parametrize("name", ["clip.mp4", "clip.ts", "clip.mkv"])
@pytest.mark.parametrize(
    ("ratio", "size"), [(Fraction(24, 11), (384, 144)), (Fraction(8, 9), (176, 162))]
)
def test_pixels_become_square(
    tmp_path: Path, name: str, ratio: Fraction, size: tuple[int, int], backend: BackendName
) -> None:
    path = squeezed(tmp_path, ratio, 176, 144, name)
    frames, result, _ = decode_file(path, backend=backend)
    expected = PillowImage.fromarray(clips.texture(0, 176, 144)).resize(size)
    assert_alike(frames[0].image, np.asarray(expected))
    ratio_text = f"{ratio.numerator}:{ratio.denominator}"
    assert result.display == Display(176, 144, ratio_text)
    stored = configured(path, backend=backend, square_pixels=False)
    assert stored.frames[0].image.shape == (144, 176, 3)
    assert stored.result.display == result.display


@pytest.mark.parametrize("backend", ["opencv", "pyav"])
def test_pixels_become_square_before_the_image_is_turned(
    tmp_path: Path, backend: BackendName
) -> None:
    path = clips.set_rotation(squeezed(tmp_path, Fraction(2), 96, 64))
    frames, result, _ = decode_file(path, backend=backend)
    wide = PillowImage.fromarray(clips.texture(0, 96, 64)).resize((192, 64))
    assert_alike(frames[0].image, as_displayed(np.asarray(wide), 6))
    assert result.display == Display(96, 64, "2:1", rotation=90)


@pytest.mark.parametrize(("ratios", "changes"), [((1, 2), True), ((2, 2), False)])
def test_pixels_that_change_their_ratio_are_noted(
    tmp_path: Path, ratios: tuple[int, int], *, changes: bool
) -> None:
    parts = [
        clips.write_clip(
            tmp_path / f"{number}.ts",
            clips.textures(40),
            options={"g": "10"},
            container_options={"output_ts_offset": str(4 * number)},
            sample_aspect_ratio=Fraction(ratio),
        )
        for number, ratio in enumerate(ratios)
    ]
    path = clips.join(tmp_path / "joined.ts", parts)
    changes_ms = decode_file(path, every_seconds=1).result.display.ratio_changes_ms
    # The decoder is a few frames ahead.
    assert changes_ms == (pytest.approx(4000, abs=500) if changes else None)


def test_an_interlaced_image_becomes_square(tmp_path: Path) -> None:
    images = [clips.barcode(number, 96, 64) for number in range(10)]
    options = {"x264-params": "tff=1:interlaced=1"}
    ratio = Fraction(64, 45)
    path = clips.write_clip(
        tmp_path / "clip.ts", images, options=options, sample_aspect_ratio=ratio
    )
    frames = decode_file(path, every_seconds=0.1).frames
    assert {frame.image.shape for frame in frames} == {(64, 137, 3)}
    assert [clips.read_barcode(frame.image) for frame in frames] == [f.index for f in frames]


def test_the_limit_on_megapixels_holds_for_square_pixels(tmp_path: Path) -> None:
    path = squeezed(tmp_path, Fraction(4), 176, 144)
    assert configured(path, megapixels=0.03, square_pixels=False).frames
    with pytest.raises(
        RejectedError,
        match=re.escape(
            "has pictures of 704x144 (0.1 megapixels) once their pixels of 4:1 are square (stored: "
            "176x144; decoding.square_pixels=false keeps that); the limit is 0.03."
        ),
    ):
        configured(path, megapixels=0.03, square_pixels=True)


def documented_function() -> Callable[..., tuple[float, float]]:
    text = (ROOT / "docs" / "output-format.md").read_text()
    code = re.search(r"```python\n(def to_stored.*?)```", text, re.DOTALL)
    assert code is not None
    names: dict[str, Any] = {}
    exec(code[1], names)  # noqa: S102 - the project's own documentation
    to_stored: Callable[..., tuple[float, float]] = names["to_stored"]
    return to_stored


@pytest.mark.parametrize("exif", ORIENTATIONS)
@pytest.mark.parametrize("square_pixels", [True, False])
def test_the_documented_function_puts_a_box_onto_the_stored_video(
    tmp_path: Path, exif: int, *, square_pixels: bool
) -> None:
    # A white rectangle: x 24 to 56, y 16 to 64 of 96x96.
    image = np.zeros((96, 96, 3), np.uint8)
    image[16:64, 24:56] = 255
    path = clips.write_clip(
        tmp_path / "clip.mp4", [image] * 3, sample_aspect_ratio=Fraction(2), options={"qp": "5"}
    )
    clips.set_matrix(path, ORIENTATIONS[exif][0])
    frames, result, _ = configured(path, square_pixels=square_pixels)
    shown = frames[0].image[:, :, 1] > 127
    rows, columns = np.flatnonzero(shown.any(axis=1)), np.flatnonzero(shown.any(axis=0))
    size = {"height": shown.shape[0], "width": shown.shape[1]}
    display = {
        "stored_width": 96, "stored_height": 96,
        "mirrored": result.display.mirrored, "rotation": result.display.rotation,
    }  # fmt: skip
    corners = [
        documented_function()(x, y, size, display)
        for x, y in ((columns[0], rows[0]), (columns[-1] + 1, rows[-1] + 1))
    ]
    xs, ys = zip(*corners, strict=True)
    assert [min(xs), min(ys), max(xs), max(ys)] == pytest.approx([24, 16, 56, 64], abs=1)
