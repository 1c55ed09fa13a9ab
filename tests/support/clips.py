"""Test clips, encoded with PyAV during the test, and simple damage to them.

The content of each clip is known exactly: numbers as barcodes, or textures by seed.
"""

import ctypes
import os
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.bitstream import BitStreamFilterContext
from av.container import InputContainer
from PIL import Image as PillowImage

from pipeline.decoding.pyav.opening import pyav_library
from pipeline.frame import Image

SAMPLE = Path(__file__).parents[2] / "samples" / "pedestrians.mp4"
MILLISECONDS = Fraction(1, 1000)
# In a damaged file, reading is tried again after this many failed packets at most.
_MAX_FAILED_PACKETS = 1000


def barcode(number: int, width: int = 160, height: int = 96) -> Image:
    """Return an image of a number as 8 vertical stripes, black or white. Any codec keeps them."""
    bits = np.array([(number >> bit) & 1 for bit in range(8)], dtype=np.uint8) * 255
    row = np.repeat(bits, width // 8)
    return np.repeat(np.tile(row, (height, 1))[:, :, np.newaxis], 3, axis=2)


def read_barcode(image: Image) -> int:
    """Return the number that `barcode` drew."""
    stripes = np.array_split(image.mean(axis=(0, 2)), 8)
    return sum(int(stripe[len(stripe) // 2] > 127) << bit for bit, stripe in enumerate(stripes))


def barcodes(count: int) -> list[Image]:
    """Return the images of the numbers from 0."""
    return [barcode(number) for number in range(count)]


def texture(seed: int, width: int = 160, height: int = 96) -> Image:
    """Return an image of soft random spots. The hashes of two seeds differ in many bits."""
    coarse = np.random.default_rng(seed).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    smooth = PillowImage.fromarray(coarse).resize((width, height), PillowImage.Resampling.BICUBIC)
    return np.asarray(smooth, dtype=np.uint8)


def textures(count: int, width: int = 160, height: int = 96) -> list[Image]:
    """Return the textures of the seeds from 0."""
    return [texture(seed, width, height) for seed in range(count)]


def write_clip(  # noqa: PLR0913 - a clip has many properties, and each test sets few of them
    path: Path,
    images: Iterable[Image],
    *,
    codec: str = "libx264",
    rate: int | Fraction = 10,
    times_ms: Sequence[int] | None = None,
    size: tuple[int, int] | None = None,
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    pix_fmt: str = "yuv420p",
    sample_aspect_ratio: Fraction | None = None,
) -> Path:
    """Encode images (BGR, all of one size), and return the path.

    Args:
        path: its suffix decides the container.
        images: encoded one by one, so an iterator needs little memory.
        codec: FFmpeg's name of the encoder.
        rate: frames per second.
        times_ms: presentation time of each image; None: at a constant rate.
        size: width and height of the video; None: those of the images.
        options, container_options: FFmpeg's options for the encoder and for the container.
        pix_fmt: pixel format of the video; of Motion JPEG always yuvj420p.
        sample_aspect_ratio: width to height of a pixel; None: unknown.
    """
    _allow_large_allocations()
    with av.open(str(path), "w", container_options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=rate, options=options or {})
        assert isinstance(stream, av.VideoStream)
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else pix_fmt
        if sample_aspect_ratio is not None:
            stream.codec_context.sample_aspect_ratio = sample_aspect_ratio
        if times_ms is not None:
            stream.codec_context.time_base = MILLISECONDS
        for number, image in enumerate(images):
            if number == 0:
                stream.width, stream.height = size or image.shape[1::-1]
            frame = av.VideoFrame.from_ndarray(image, "bgr24")
            if size is not None:
                frame = frame.reformat(*size, interpolation="BILINEAR")
            if times_ms is not None:
                frame.pts, frame.time_base = times_ms[number], MILLISECONDS
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    if codec == "libsvtav1":
        _end_real_time()
    return path


def write_raw_avi(path: Path, images: Iterable[Image], bits: int, *, is_bottom_up: bool) -> Path:
    """Write an uncompressed AVI of 10 frames per second, and return the path.

    Where rows run bottom-up, OpenCV corrupts its memory: FFmpeg gives it a negative line size.

    Args:
        path: where.
        images: all of one size.
        bits: 8 (a palette), 24 or 32 bits for each pixel.
        is_bottom_up: whether the last row comes first, as Windows programs write it.
    """
    with av.open(str(path), "w") as container:
        stream = container.add_stream("rawvideo", rate=10)
        assert isinstance(stream, av.VideoStream)
        stream.pix_fmt = {8: "pal8", 24: "bgr24", 32: "bgra"}[bits]
        for number, image in enumerate(images):
            if number == 0:
                stream.width, stream.height = image.shape[1::-1]
            if bits == 8:
                palette = np.repeat(np.arange(256, dtype=np.uint8)[:, np.newaxis], 4, axis=1)
                grey = np.ascontiguousarray(image[:, :, 1])
                frame = av.VideoFrame.from_ndarray((grey, palette), "pal8")  # type: ignore[arg-type]
            else:
                frame = av.VideoFrame.from_ndarray(image, "bgr24").reformat(format=stream.pix_fmt)
            container.mux(stream.encode(frame))
    return turn_bottom_up(path) if is_bottom_up else path


def tag_colours(path: Path, clip: Path, *, primaries: int, transfer: int, matrix: int) -> Path:
    """Copy an H.264 clip with other colour tags, numbers of ITU-T H.273, and return the path.

    Encoders refuse numbers that are reserved, so the packets are changed.
    """
    tags = (
        f"colour_primaries={primaries}:transfer_characteristics={transfer}"
        f":matrix_coefficients={matrix}"
    )
    with av.open(str(clip)) as source, av.open(str(path), "w") as target:
        stream = source.streams.video[0]
        tagger = BitStreamFilterContext(f"h264_metadata={tags}", stream)
        copied = target.add_stream_from_template(stream)
        packets = [each for packet in source.demux(stream) for each in tagger.filter(packet)]
        for packet in packets:
            packet.stream = copied
            target.mux(packet)
    return path


def _end_real_time() -> None:
    """Give this thread its usual priority again.

    As root, SVT-AV1 gives the thread that opens it the highest real-time priority. It would keep
    all other processes waiting, and its children would inherit it.
    """
    if hasattr(os, "sched_setscheduler"):  # not on macOS, which has no such priorities
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def _allow_large_allocations() -> None:
    """Undo the limit that decoding with PyAV sets for the whole process; encoders need more."""
    ctypes.CDLL(pyav_library()).av_max_alloc(ctypes.c_size_t(2**31 - 1))


def join(path: Path, parts: Iterable[Path]) -> Path:
    """Write files one after the other, as a transport stream allows it, and return the path."""
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def turn_bottom_up(path: Path) -> Path:
    """Say in the header of a raw AVI that its rows run from the bottom up, as they do on Windows.

    The sign of biHeight tells it: 16 bytes after the start of the chunk `strf`.
    """
    data = bytearray(path.read_bytes())
    place = data.index(b"strf") + 16
    height = int.from_bytes(data[place : place + 4], "little", signed=True)
    data[place : place + 4] = (-height).to_bytes(4, "little", signed=True)
    path.write_bytes(data)
    return path


def write_audio(path: Path) -> Path:
    """Encode a second of silence, without video, and return the path."""
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
    """Return the presentation times that PyAV reports, relative to the first frame."""
    with av.open(str(path)) as container:
        base = container.streams.video[0].time_base
        assert base is not None
        times = [frame.pts for frame in decoded_frames(container) if frame.pts is not None]
    return [float((time - times[0]) * base * 1000) for time in times]


def decoded_frames(container: InputContainer) -> Iterator[av.VideoFrame]:
    """Yield the frames that FFmpeg can decode. Packets and frames that fail are skipped."""
    failed = 0
    packets = container.demux(container.streams.video[0])
    while failed < _MAX_FAILED_PACKETS:
        try:
            yield from next(packets).decode()
        except StopIteration:
            break
        except av.error.FFmpegError:
            failed += 1
            packets = container.demux(container.streams.video[0])


def set_matrix(path: Path, matrix: Sequence[float]) -> Path:
    """Write the upper left numbers of the display matrix of an mp4: a, b, c, d. Return the path.

    https://developer.apple.com/documentation/quicktime-file-format/track_header_atom
    """
    data = bytearray(path.read_bytes())
    place = data.index(b"tkhd") + 44
    for offset, number in zip((0, 4, 12, 16), matrix, strict=True):
        first = place + offset
        data[first : first + 4] = round(number * 0x10000).to_bytes(4, signed=True)
    path.write_bytes(data)
    return path


def set_rotation(path: Path) -> Path:
    """Mark an mp4 as rotated by 90 degrees clockwise, as phones do. Return the path."""
    return set_matrix(path, (0, 1, -1, 0))


def replace_codec(path: Path, old: bytes, new: bytes) -> Path:
    """Name another codec in the header of an mp4. Its index stays, but no frame can be decoded."""
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new))
    return path


def zero_bytes(path: Path, start: float, length: int) -> Path:
    """Overwrite bytes with zeros, from a share of the file on (0 to 1)."""
    data = bytearray(path.read_bytes())
    first = round(len(data) * start)
    data[first : first + length] = bytes(length)
    path.write_bytes(data)
    return path


def cut_off(path: Path, share: float = 0.5) -> Path:
    """Keep only the first share of a file (0 to 1)."""
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    return path
