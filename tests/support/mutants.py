"""Mutants: videos that are damaged on purpose. A seed decides what is damaged, and how.

The same seed makes nearly the same mutant each time: x264 does not always encode the same bytes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from PIL import Image as PillowImage

from tests.support import clips, protection

FRAMES = 60
_RAW_FRAMES, _DV_FRAMES = 10, 3
_CODED = {
    "h264.mp4": "libx264",
    "raw.h264": "libx264",
    "raw.hevc": "libx265",
    "raw.m4v": "mpeg4",
    "raw.mjpeg": "mjpeg",
    "vp9.ivf": "libvpx-vp9",
    "raw.y4m": "wrapped_avframe",
    "rv20.rm": "rv20",
    "mpeg4.nut": "mpeg4",
    "flv1.swf": "flv",
    "hevc.mkv": "libx265",
    "h264.ts": "libx264",
    "mpeg4.avi": "mpeg4",
    "mjpeg.avi": "mjpeg",
    "mjpeg.mov": "mjpeg",
}
_OPTIONS = {"libx265": {"x265-params": "log-level=none:keyint=10"}}
# Headers are in the first bytes of a file, and the index of an mp4 is in the last ones.
_HEADER_BYTES = 1024


@dataclass(frozen=True)
class Mutant:
    """A damaged file.

    Attributes:
        name: name of the original file.
        kind: kind of damage.
        data: content of the damaged file.
    """

    name: str
    kind: str
    data: bytes


def write_originals(folder: Path) -> None:
    """Write a clip of each kind: coded ones with a key frame each second, raw ones, animations."""
    for name, codec in _CODED.items():
        options = {"g": "10"} | _OPTIONS.get(codec, {})
        # Otherwise FFmpeg writes random ids into Matroska files.
        muxer = {"fflags": "+bitexact"} if name.endswith(".mkv") else {}
        images = clips.textures(FRAMES)
        clips.write_clip(
            folder / name, images, codec=codec, options=options, container_options=muxer
        )
    small = clips.textures(_RAW_FRAMES, 64, 48)
    for bits in (8, 24, 32):
        for way in ("bottom_up", "top_down"):
            path = folder / f"raw_{bits}_{way}.avi"
            clips.write_raw_avi(path, small, bits, is_bottom_up=way == "bottom_up")
    dv = clips.textures(_DV_FRAMES, 720, 576)
    clips.write_clip(folder / "video.dv", dv, codec="dvvideo", rate=25)
    stills = [PillowImage.fromarray(image) for image in small]
    stills[0].save(folder / "animation.gif", save_all=True, append_images=stills[1:])
    stills[0].save(folder / "animation.png", save_all=True, append_images=stills[1:])
    textures = clips.textures(FRAMES)
    clips.write_clip(folder / "encrypted.mp4", textures, container_options=dict(protection.CENC))
    mpeg = clips.write_clip(folder / "hikvision.mpg", textures, codec="mpeg2video", rate=25)
    mpeg.write_bytes(b"IMKH".ljust(40, b"\0") + mpeg.read_bytes())


def make_mutant(folder: Path, seed: int) -> Mutant:
    """Return the mutant of a seed, of the files in a folder. Consecutive seeds have different ones.

    Files without a byte are left out.
    """
    names = sorted(path.name for path in folder.iterdir() if path.stat().st_size)
    kinds = list(_KINDS)
    name = names[seed % len(names)]
    kind = kinds[seed // len(names) % len(kinds)]
    data = (folder / name).read_bytes()
    return Mutant(name, kind, _KINDS[kind](Random(seed), data))  # noqa: S311 - no secret


def _flip(random: Random, data: bytes) -> bytes:
    return _flip_bits(random, data, range(len(data)), random.choice((1, 10, 100)))


def _flip_in_headers(random: Random, data: bytes) -> bytes:
    size = min(_HEADER_BYTES, len(data))
    ends = (range(size), range(len(data) - size, len(data)))
    return _flip_bits(random, data, random.choice(ends), random.choice((1, 4, 16)))


def _flip_bits(random: Random, data: bytes, offsets: range, count: int) -> bytes:
    damaged = bytearray(data)
    for _ in range(count):
        damaged[random.choice(offsets)] ^= 1 << random.randrange(8)
    return bytes(damaged)


def _zero(random: Random, data: bytes) -> bytes:
    start, end = _span(random, data)
    return data[:start] + bytes(end - start) + data[end:]


def _delete(random: Random, data: bytes) -> bytes:
    start, end = _span(random, data)
    return data[:start] + data[end:]


def _repeat(random: Random, data: bytes) -> bytes:
    start, end = _span(random, data)
    return data[:end] + data[start:]


def _shuffle(random: Random, data: bytes) -> bytes:
    blocks = [data[at : at + 4096] for at in range(0, len(data), 4096)]
    first, second = random.randrange(len(blocks)), random.randrange(len(blocks))
    blocks[first], blocks[second] = blocks[second], blocks[first]
    return b"".join(blocks)


def _cut(random: Random, data: bytes) -> bytes:
    return data[: random.randrange(len(data))]


def _append(random: Random, data: bytes) -> bytes:
    return data + random.randbytes(random.choice((1, 188, 10_000)))


def _extreme(random: Random, data: bytes) -> bytes:
    size = min(_HEADER_BYTES, len(data))
    at = random.choice((random.randrange(size), len(data) - random.randrange(1, size + 1)))
    number = random.choice((b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", bytes(4), b"\x80\0\0\0"))
    return data[:at] + number + data[at + 4 :]


def _span(random: Random, data: bytes) -> tuple[int, int]:
    start = random.randrange(len(data))
    return start, min(start + random.choice((1, 64, 1000, len(data) // 5)), len(data))


_KINDS: dict[str, Callable[[Random, bytes], bytes]] = {
    "bits flipped": _flip,
    "bits flipped in headers": _flip_in_headers,
    "extreme numbers in headers": _extreme,
    "bytes zeroed": _zero,
    "bytes deleted": _delete,
    "bytes repeated": _repeat,
    "blocks swapped": _shuffle,
    "cut off": _cut,
    "garbage at the end": _append,
}
