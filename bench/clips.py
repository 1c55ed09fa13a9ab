"""The bench's clips: made from the sample, the same each time, and kept below build/."""  # noqa: INP001 - used by bench.pipeline

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, cast

import av
import cv2
import numpy as np

from tests.support.clips import SAMPLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pipeline.frame import Image

FOLDER = Path(__file__).parents[1] / "build" / "bench"
SAMPLE_RATE = 10
SAMPLE_SECONDS = 30
_STEPS = ((math.sqrt(5) - 1) / 2, math.sqrt(2) - 1)


def full_hd() -> Path:
    """Return the sample in 1080p and at 25 frames a second, blended from its 10."""

    def frames() -> Iterator[Image]:
        pictures = _pictures()
        for number in range(SAMPLE_SECONDS * 25):
            place, rest = divmod(number * SAMPLE_RATE, 25)
            after = pictures[min(place + 1, len(pictures) - 1)]
            blend = cv2.addWeighted(pictures[place], 1 - rest / 25, after, rest / 25, 0)
            yield cast("Image", blend)

    return _kept("1080p.mp4", lambda path: _encode(path, frames(), (1920, 1080), 25))


def of_minutes(minutes: int) -> Path:
    """Return a video this long, in which about as much happens all the time as in the sample.

    Small and of 5 frames a second, so that an hour is quickly decoded. Each pass over the sample
    shows another part of the scene: what is kept grows with the length, as in a recording.
    """

    def frames() -> Iterator[Image]:
        pictures = _pictures()
        for view in range(minutes * 60 // SAMPLE_SECONDS):
            for picture in pictures[:: SAMPLE_RATE // 5]:
                yield _part(picture, view)

    name = f"{minutes}-minutes.mp4"
    return _kept(name, lambda path: _encode(path, frames(), (320, 240), 5))


def with_key_frames() -> Path:
    """Return five minutes of 25 frames a second with a key frame each second."""

    def frames() -> Iterator[Image]:
        pictures = _pictures()
        for number in range(SAMPLE_SECONDS * 25):
            yield pictures[number * SAMPLE_RATE // 25]

    once = _kept("once.mp4", lambda path: _encode(path, frames(), (768, 576), 25, key_frames=25))
    return _kept("key-frames.mp4", lambda path: _remux(once, path, times=10))


def damaged(damage: str, suffix: str) -> Path:
    """Return the sample with `holes` of zeros, or with its last third `cut off`."""

    def make(path: Path) -> None:
        _remux(SAMPLE, path)
        data = bytearray(path.read_bytes())
        if damage == "missing_ranges":
            for tenth in range(2, 10, 2):
                start = len(data) * tenth // 10
                data[start : start + 2000] = bytes(2000)
        else:
            del data[len(data) * 2 // 3 :]
        path.write_bytes(data)

    return _kept(f"{damage}.{suffix}".replace(" ", "-"), make)


def _kept(name: str, make: Callable[[Path], None]) -> Path:
    """Return the clip of this name; it is made if it is not there, or older than this file."""
    path = FOLDER / name
    if not path.exists() or path.stat().st_mtime < Path(__file__).stat().st_mtime:
        FOLDER.mkdir(parents=True, exist_ok=True)
        growing = path.with_name(f"growing-{name}")
        make(growing)
        growing.replace(path)
    return path


def _pictures() -> list[Image]:
    with av.open(str(SAMPLE)) as container:
        return [
            np.asarray(frame.to_ndarray(format="bgr24"), dtype=np.uint8)
            for frame in container.decode(video=0)
        ]


def _part(image: Image, view: int) -> Image:
    """Return the view's part of a picture; no two views are the same, every other is mirrored."""
    height, width = (side * 2 // 3 for side in image.shape[:2])
    top, left = (
        int(view * step % 1 * (side - part))
        for step, side, part in zip(_STEPS, image.shape, (height, width), strict=False)
    )
    part = image[top : top + height, left : left + width]
    return part[:, :: -1 if view % 2 else 1]


def _encode(
    path: Path, images: Iterable[Image], size: tuple[int, int], rate: int, key_frames: int = 250
) -> None:
    options = {"preset": "veryfast", "g": str(key_frames), "sc_threshold": "0"}
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options=options)
        stream.width, stream.height = size
        for image in images:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), "bgr24")
            container.mux(stream.encode(frame.reformat(*size, interpolation="BILINEAR")))
        container.mux(stream.encode())


def _remux(source: Path, path: Path, times: int = 1) -> None:
    """Copy a clip's packets into another container, so many times one after another."""
    # An index at the end of an mp4 would be the first thing to be cut off.
    options = {"movflags": "faststart"} if path.suffix == ".mp4" else {}
    with av.open(str(path), "w", options=options) as target:
        copy = None
        for number in range(times):
            with av.open(str(source)) as container:
                stream = container.streams.video[0]
                copy = copy or target.add_stream_from_template(stream)
                for packet in container.demux(stream):
                    if packet.dts is None or packet.pts is None:  # the last one, which is empty
                        continue
                    packet.dts += number * cast("int", stream.duration)
                    packet.pts += number * cast("int", stream.duration)
                    packet.stream = copy
                    target.mux(packet)
