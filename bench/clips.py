"""The clips of the benchmarks. They are made from the sample, and kept in build/bench."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

import av
import cv2
import numpy as np

from tests.support import clips
from tests.support.clips import SAMPLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pipeline.frame import Image

FOLDER = Path(__file__).parents[1] / "build" / "bench"
SAMPLE_RATE = 10
SAMPLE_SECONDS = 30
# Frames from one key frame to the next, if a clip needs no others.
_FAR_APART = 250
# Multiples of irrational numbers, modulo 1, are spread evenly and never repeat.
_STEPS = ((math.sqrt(5) - 1) / 2, math.sqrt(2) - 1)


def film() -> Path:
    """Return 80 seconds of 768 x 576 at 10 frames per second: the sample, and it mirrored twice."""

    def images() -> Iterator[Image]:
        sample = sample_images()
        mirrored = [np.ascontiguousarray(image[:, ::-1]) for image in sample]
        yield from (*sample, *mirrored, *mirrored[::-1])[: 80 * SAMPLE_RATE]

    return _kept("film.mp4", lambda path: _encode(path, images(), (768, 576), SAMPLE_RATE))


def full_hd(key_frames: int = _FAR_APART) -> Path:
    """Return the sample in 1080p at 25 frames per second, interpolated from its 10.

    Args:
        key_frames: number of frames from one key frame to the next.
    """
    name = "1080p.mp4" if key_frames == _FAR_APART else f"1080p-{key_frames}.mp4"
    return _kept(
        name,
        lambda path: _encode(path, _blends(25), (1920, 1080), 25, key_frames=key_frames),
    )


def full_hd_for_long() -> Path:
    """Return 5 minutes of `full_hd`, with a key frame each second."""
    once = full_hd(key_frames=25)
    return _kept("1080p-25-long.mp4", lambda path: _remux(once, path, times=10))


def full_hd_with_key_frames(suffix: str = "mp4") -> Path:
    """Return 5 minutes of 1080p at 30 frames per second, with a key frame each 2 seconds.

    As of a camera: with noise, and at 6 Mbit/s.

    Args:
        suffix: that of the container.
    """

    def images() -> Iterator[Image]:
        random = np.random.default_rng(0)
        noise = random.normal(0, 3, (1080, 1920, 3)).astype(np.int8)
        for blend in _blends(30):
            large = cv2.resize(blend, (1920, 1080), interpolation=cv2.INTER_LINEAR)
            moved = np.roll(noise, tuple(random.integers(0, 1080, 2)), axis=(0, 1))
            yield cast("Image", cv2.add(large, moved, dtype=cv2.CV_8U))

    def encode(path: Path) -> None:
        _encode(path, images(), (1920, 1080), 30, key_frames=60, megabits=6)

    once = _kept("1080p-once.mp4", encode)
    return _kept(f"1080p-key-frames.{suffix}", lambda path: _remux(once, path, times=10))


def _blends(rate: int) -> Iterator[Image]:
    """Yield the images of the sample at another rate, interpolated from its 10."""
    sample = sample_images()
    for number in range(SAMPLE_SECONDS * rate):
        index, rest = divmod(number * SAMPLE_RATE, rate)
        following = sample[min(index + 1, len(sample) - 1)]
        blend = cv2.addWeighted(sample[index], 1 - rest / rate, following, rest / rate, 0)
        yield cast("Image", blend)


def of_minutes(minutes: int) -> Path:
    """Return a video of this length in which about as much happens in each minute.

    It is small and has 5 frames per second, so that an hour can be decoded quickly. Each repetition
    of the sample shows another part of the scene, so that the number of kept frames grows with the
    length, as in a real recording.
    """

    def images() -> Iterator[Image]:
        sample = sample_images()
        for view in range(minutes * 60 // SAMPLE_SECONDS):
            for image in sample[:: SAMPLE_RATE // 5]:
                yield _part(image, view)

    name = f"{minutes}-minutes.mp4"
    return _kept(name, lambda path: _encode(path, images(), (320, 240), 5))


def views(count: int) -> list[Path]:
    """Return different videos of 30 seconds: parts of the sample in 720p, 25 frames per second."""

    def images(view: int) -> Iterator[Image]:
        sample = sample_images()
        for number in range(SAMPLE_SECONDS * 25):
            yield _part(sample[number * SAMPLE_RATE // 25], view)

    def make(view: int, path: Path) -> None:
        _encode(path, images(view), (1280, 720), 25)

    return [_kept(f"view-{view}.mp4", partial(make, view)) for view in range(count)]


def with_key_frames() -> Path:
    """Return a video of five minutes at 25 frames per second, with a key frame each second."""

    def images() -> Iterator[Image]:
        sample = sample_images()
        for number in range(SAMPLE_SECONDS * 25):
            yield sample[number * SAMPLE_RATE // 25]

    once = _kept("once.mp4", lambda path: _encode(path, images(), (768, 576), 25, key_frames=25))
    return _kept("key-frames.mp4", lambda path: _remux(once, path, times=10))


def damaged(damage: str, suffix: str) -> Path:
    """Return the sample with four `missing ranges` of zeros, or with its last third `cut off`."""

    def make(path: Path) -> None:
        _remux(SAMPLE, path)
        if damage == "missing ranges":
            for share in (0.2, 0.4, 0.6, 0.8):
                clips.zero_bytes(path, share, 2000)
        else:
            clips.cut_off(path, 2 / 3)

    return _kept(f"{damage}.{suffix}".replace(" ", "-"), make)


def _kept(name: str, make: Callable[[Path], object]) -> Path:
    """Return the clip of this name. It is made if it does not exist or is older than this file."""
    path = FOLDER / name
    if not path.exists() or path.stat().st_mtime < Path(__file__).stat().st_mtime:
        FOLDER.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f"temporary-{name}")
        make(temporary)
        temporary.replace(path)
    return path


def sample_images() -> list[Image]:
    """Return all 300 images of the sample."""
    with av.open(str(SAMPLE)) as container:
        return [
            np.asarray(frame.to_ndarray(format="bgr24"), dtype=np.uint8)
            for frame in clips.decoded_frames(container)
        ]


def _part(image: Image, view: int) -> Image:
    """Return the part of an image that a view shows. Every second view is mirrored."""
    height, width = (side * 2 // 3 for side in image.shape[:2])
    top, left = (
        int(view * step % 1 * (side - part))
        for step, side, part in zip(_STEPS, image.shape, (height, width), strict=False)
    )
    part = image[top : top + height, left : left + width]
    return np.ascontiguousarray(part[:, :: -1 if view % 2 else 1])


def _encode(  # noqa: PLR0913 - what a clip has
    path: Path,
    images: Iterable[Image],
    size: tuple[int, int],
    rate: int,
    *,
    key_frames: int = _FAR_APART,
    megabits: int | None = None,
) -> None:
    options = {"preset": "veryfast", "g": str(key_frames), "sc_threshold": "0"}
    if megabits is not None:  # a second
        bits = str(megabits * 1_000_000)
        options |= {"b": bits, "maxrate": bits, "bufsize": bits}
    clips.write_clip(path, images, rate=rate, size=size, options=options)


def _remux(source: Path, path: Path, times: int = 1) -> None:
    """Copy the packets of a clip into another container, `times` times one after another."""
    # With the index first, an mp4 that is cut off can still be opened.
    options = {"movflags": "faststart"} if path.suffix == ".mp4" else {}
    with av.open(str(path), "w", options=options) as target:
        copy = None
        for number in range(times):
            with av.open(str(source)) as container:
                stream = container.streams.video[0]
                copy = copy or target.add_stream_from_template(stream)
                for packet in container.demux(stream):
                    if packet.dts is None or packet.pts is None:  # the last packet, which is empty
                        continue
                    packet.dts += number * cast("int", stream.duration)
                    packet.pts += number * cast("int", stream.duration)
                    packet.stream = copy
                    target.mux(packet)
