"""Test clips, encoded on the spot with PyAV: what is in them is known exactly."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from PIL import Image as PillowImage

from pipeline.frame import Image

SAMPLE = Path(__file__).parents[2] / "samples" / "pedestrians.mp4"
# In a row of damage, reading is begun anew this often.
READ_ERRORS = 1000
MILLISECONDS = Fraction(1, 1000)


def barcode(number: int, width: int = 160, height: int = 96) -> Image:
    """Draw a number as 8 vertical stripes, black or white, that survive any codec."""
    bits = np.array([(number >> bit) & 1 for bit in range(8)], dtype=np.uint8) * 255
    row = np.repeat(bits, width // 8)
    return np.repeat(np.tile(row, (height, 1))[:, :, np.newaxis], 3, axis=2)


def read_barcode(image: Image) -> int:
    """Read the number that `barcode` drew."""
    stripes = np.array_split(image.mean(axis=(0, 2)), 8)
    return sum(int(stripe[len(stripe) // 2] > 127) << bit for bit, stripe in enumerate(stripes))


def texture(seed: int, width: int = 160, height: int = 96) -> Image:
    """Paint soft random blotches; two seeds' hashes are far apart."""
    coarse = np.random.default_rng(seed).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    grown = PillowImage.fromarray(coarse).resize((width, height), PillowImage.Resampling.BICUBIC)
    return np.asarray(grown, dtype=np.uint8)


def write_clip(  # noqa: PLR0913 - a clip has many properties; each test names the one it is about
    path: Path,
    images: Sequence[Image],
    *,
    codec: str = "libx264",
    rate: int | Fraction = 10,
    times_ms: Sequence[int] | None = None,
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
) -> Path:
    """Encode images at a constant rate, or at given times."""
    with av.open(str(path), "w", container_options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=rate, options=options or {})
        assert isinstance(stream, av.VideoStream)
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        if times_ms is not None:
            stream.codec_context.time_base = MILLISECONDS
        for number, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, "bgr24")
            if times_ms is not None:
                frame.pts, frame.time_base = times_ms[number], MILLISECONDS
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def write_sound(path: Path) -> Path:
    """Encode a second of silence, without any video."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=48_000)
        assert isinstance(stream, av.AudioStream)
        silence = np.zeros((1, 48_000), dtype=np.float32)
        frame = av.AudioFrame.from_ndarray(silence, format="fltp", layout="mono")
        frame.sample_rate = 48_000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def frame_times_ms(path: Path) -> list[float]:
    """Return the reference: PyAV's presentation times, relative to the first frame."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        base = stream.time_base
        assert base is not None
        times = [frame.pts for frame in decoded_frames(container) if frame.pts is not None]
    return [float((time - times[0]) * base * 1000) for time in times]


def decoded_frames(container: InputContainer) -> Iterator[av.VideoFrame]:
    """Yield what FFmpeg itself recovers: packets and frames that fail are passed over."""
    failed = 0
    packets = container.demux(container.streams.video[0])
    while failed < READ_ERRORS:
        try:
            yield from next(packets).decode()
        except StopIteration:
            break
        except av.error.FFmpegError:
            failed += 1
            packets = container.demux(container.streams.video[0])


def rotate_header(path: Path) -> Path:
    """Mark an mp4 as turned by 90 degrees clockwise, as phones do: tkhd's display matrix.

    https://developer.apple.com/documentation/quicktime-file-format/track_header_atom
    """
    data = bytearray(path.read_bytes())
    matrix = data.index(b"tkhd") + 44
    quarter_turn = (0, 0x10000, 0, -0x10000, 0, 0, 0, 0, 0x40000000)
    data[matrix : matrix + 36] = b"".join(n.to_bytes(4, signed=True) for n in quarter_turn)
    path.write_bytes(data)
    return path


def name_codec(path: Path, written: bytes, named: bytes) -> Path:
    """Name another codec in an mp4's header: the index still counts frames, but none decodes."""
    data = path.read_bytes()
    assert written in data
    path.write_bytes(data.replace(written, named))
    return path
