"""Measure what converting images of HDR costs, against usual images of 10 bits."""

from __future__ import annotations

import time
from statistics import median
from typing import NamedTuple

import av
import numpy as np

from bench import results
from bench.measuring import in_child, peak_megabytes, show_progress
from pipeline.decoding.pyav.conversion import Converter

SIZES = ((1920, 1080), (3840, 2160), (7680, 4320))
# Numbers of ITU-T H.273: transfer, primaries, matrix.
KINDS = {"BT.709": (1, 1, 1), "PQ": (16, 9, 9), "HLG": (18, 9, 9)}
IMAGES = 5


class Outcome(NamedTuple):
    """CPU seconds of the first image, and of each further one; growth of the peak memory."""

    first_seconds: float
    seconds: float
    megabytes: float


def measure() -> str:
    """Measure, and return the section."""
    rows = []
    for width, height in SIZES:
        for name, tags in KINDS.items():
            show_progress(f"HDR: {name}, {width}x{height}")
            outcome = in_child(convert, width, height, tags)
            rows.append(
                (
                    f"{width}x{height}, {name}",
                    f"{outcome.first_seconds:.2f}",
                    f"{outcome.seconds * 1000:.0f}",
                    f"{outcome.megabytes:.0f}",
                )
            )
    heading = f"## HDR\n\n{results.date_and_processor()}. YUV 4:2:0 of 10 bits to BGR, CPU time of "
    heading += f"the process; each further image is the median of {IMAGES}.\n\n"
    columns = ("images", "first, s", "each further, ms", "growth of the peak, MB")
    return heading + results.table(columns, rows)


def convert(width: int, height: int, tags: tuple[int, int, int]) -> Outcome:
    """Convert one frame again and again."""
    frame = av.VideoFrame(width, height, "yuv420p10le")
    random = np.random.default_rng(0)
    for plane in frame.planes:
        noise = random.integers(64, 940, plane.buffer_size // 2, dtype=np.uint16)
        plane.update(noise.tobytes())
    frame.color_trc, frame.color_primaries, frame.colorspace = tags
    before, converter = peak_megabytes(), Converter(width, height)
    seconds = []
    for _ in range(IMAGES + 1):
        started = time.process_time()
        converter.image(frame)
        seconds.append(time.process_time() - started)
    return Outcome(seconds[0], median(seconds[1:]), peak_megabytes() - before)


if __name__ == "__main__":
    results.run(measure, "Measure what converting images of HDR costs.")
