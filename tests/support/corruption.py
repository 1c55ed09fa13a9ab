"""Videos damaged on purpose: each seed is one mutant, the same on every run."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.support import clips

ORIGINALS = {
    "h264.mp4": "libx264",
    "hevc.mkv": "libx265",
    "h264.ts": "libx264",
    "mpeg4.avi": "mpeg4",
}
FRAMES = 60
# Most of what decides how a file is read is at its ends: headers first, an mp4's index last.
_HEADER = 1024


@dataclass(frozen=True)
class Mutant:
    """A damaged file."""

    name: str
    kind: str
    data: bytes


def write_originals(folder: Path) -> None:
    """Encode one clip of each container, with a key frame a second."""
    images = [clips.texture(seed) for seed in range(FRAMES)]
    for name, codec in ORIGINALS.items():
        quiet = {"x265-params": "log-level=none:keyint=10"} if codec == "libx265" else {}
        clips.write_clip(folder / name, images, codec=codec, options={"g": "10", **quiet})


def mutant(folder: Path, seed: int) -> Mutant:
    """Return the mutant of a seed: containers and kinds of damage take turns."""
    names, kinds = list(ORIGINALS), list(_KINDS)
    name = names[seed % len(names)]
    kind = kinds[seed // len(names) % len(kinds)]
    data = (folder / name).read_bytes()
    return Mutant(name, kind, _KINDS[kind](Random(seed), data))  # noqa: S311 - no secret


def _flip(random: Random, data: bytes) -> bytes:
    return _flipped(random, data, range(len(data)), random.choice((1, 10, 100)))


def _flip_in_headers(random: Random, data: bytes) -> bytes:
    ends = (range(_HEADER), range(len(data) - _HEADER, len(data)))
    return _flipped(random, data, random.choice(ends), random.choice((1, 4, 16)))


def _flipped(random: Random, data: bytes, where: range, count: int) -> bytes:
    damaged = bytearray(data)
    for _ in range(count):
        damaged[random.choice(where)] ^= 1 << random.randrange(8)
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
    at = random.choice((random.randrange(_HEADER), len(data) - random.randrange(4, _HEADER)))
    number = random.choice((b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", bytes(4), b"\x80\0\0\0"))
    return data[:at] + number + data[at + 4 :]


def _span(random: Random, data: bytes) -> tuple[int, int]:
    start = random.randrange(len(data))
    return start, min(start + random.choice((1, 64, 1000, len(data) // 5)), len(data))


_KINDS: dict[str, Callable[[Random, bytes], bytes]] = {
    "bits flipped": _flip,
    "bits flipped in headers": _flip_in_headers,
    "extreme numbers in headers": _extreme,
    "a hole of zeros": _zero,
    "a piece missing": _delete,
    "a piece twice": _repeat,
    "blocks swapped": _shuffle,
    "cut off": _cut,
    "garbage at the end": _append,
}
