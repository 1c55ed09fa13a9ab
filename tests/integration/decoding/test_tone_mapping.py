"""HDR: a grey ramp of known brightness becomes an image in which nothing is cut off."""

from pathlib import Path

import av
import numpy as np
import pytest

from pipeline.config.schema import Config
from pipeline.frame import Image
from tests.support.decoding import decode_file

NITS = np.array([0, 1, 3, 10, 20, 36.5, 60, 100, 150, 203, 300, 450, 600, 800, 950])
MID_GREY = NITS.tolist().index(36.5)  # 18 % of 203, the brightness of white
SDR_MID_GREY = 104  # 18 % by the curve of BT.709


def pq(nits: np.ndarray) -> np.ndarray:
    """Return the signal, 0 to 1, for a brightness: SMPTE ST 2084."""
    m1, m2 = 2610 / 16384, 2523 / 4096 * 128
    c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    y = (nits / 10_000) ** m1
    signal: np.ndarray = ((c1 + c2 * y) / (1 + c3 * y)) ** m2
    return signal


def hlg(nits: np.ndarray) -> np.ndarray:
    """Return the signal, 0 to 1, for a grey on a display of 1,000 nits: ITU-R BT.2100."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = (nits / 1000) ** (1 / 1.2)
    bright = a * np.log(np.maximum(12 * scene - b, 1e-9)) + c
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), bright)


def write_ramp(
    path: Path, signal: np.ndarray, params: str, *, patch: int = 16, height: int = 64
) -> Path:
    """Write two frames of 10 bits: patches of grey from left to right."""
    luma = np.repeat(np.rint(64 + 876 * signal).astype(np.uint16), patch)
    rows = np.tile(luma, (height, 1))
    grey = np.full((height // 2, luma.size // 2), 512, np.uint16)
    params = f"colorprim=bt2020:colormatrix=bt2020nc:{params}"
    options = {"preset": "ultrafast", "qp": "1", "x264-params": params}
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = luma.size, height, "yuv420p10le"
        for _ in range(2):
            frame = av.VideoFrame(luma.size, height, "yuv420p10le")
            for plane, values in zip(frame.planes, (rows, grey, grey), strict=True):
                padded = np.zeros((len(values), plane.line_size // 2), np.uint16)
                padded[:, : values.shape[1]] = values
                plane.update(padded.tobytes())
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def check_ramp(image: Image, patch: int) -> None:
    patches = image[image.shape[0] // 2, patch // 2 :: patch].astype(int)
    assert np.ptp(patches, axis=1).max() <= 3  # grey stays grey
    levels = patches[:, 1]
    assert (np.diff(levels) > 0).all()
    assert levels[0] == 0
    assert levels[-1] < 255
    assert levels[MID_GREY] == pytest.approx(SDR_MID_GREY, abs=20)


MASTERED_AT_1000_NITS = (
    "mastering-display=G(8500,39850)B(6550,2300)R(35400,14600)WP(15635,16450)L(10000000,50)"
)


@pytest.mark.parametrize(
    ("signal", "params"),
    [
        (pq(NITS), f"transfer=smpte2084:{MASTERED_AT_1000_NITS}"),
        (hlg(NITS), "transfer=arib-std-b67"),
    ],
    ids=["PQ with a mastering display", "HLG"],
)
def test_a_ramp_keeps_its_steps_up_to_the_peak(
    tmp_path: Path, signal: np.ndarray, params: str
) -> None:
    path = write_ramp(tmp_path / "clip.mp4", signal, params)
    check_ramp(decode_file(path).frames[0].image, patch=16)


def test_an_image_of_more_than_18_megapixels_keeps_its_steps_too(tmp_path: Path) -> None:
    patch, height = 368, 4096
    width = patch * NITS.size
    assert width * height * 8 > Config().limits.megapixels * 1_000_000 * 4
    path = tmp_path / "clip.mp4"
    write_ramp(path, pq(NITS), "transfer=smpte2084", patch=patch, height=height)
    image = decode_file(path).frames[0].image
    assert image.shape == (height, width, 3)
    check_ramp(image, patch)
