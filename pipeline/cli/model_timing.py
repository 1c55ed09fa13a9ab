"""How long a model takes on this machine."""

from __future__ import annotations

from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.detection.detector import Detector

_RUNS = 5
# A full HD picture, grey: what is found in it is nothing, so that reading it costs what it must.
_HEIGHT, _WIDTH = 1080, 1920


def timing(detector: Detector) -> dict[str, float]:
    """Time a picture of 1920 x 1080 on one thread: medians of 5, in milliseconds.

    Returns:
        `model`: the network with its preprocessing; `whole`: with the reading of its outputs.
    """
    picture = np.full((_HEIGHT, _WIDTH, 3), 114, dtype=np.uint8)
    model = detector.model
    place = model.reading.preprocess.place(_WIDTH, _HEIGHT)
    options = onnxruntime.RunOptions()
    return {
        "model": _median_ms(lambda: model.run(picture, place, options)),
        "whole": _median_ms(lambda: detector.detect(picture)),
    }


def _median_ms(work: Callable[[], object]) -> float:
    work()  # the first run allocates
    times = []
    for _ in range(_RUNS):
        start = perf_counter()
        work()
        times.append((perf_counter() - start) * 1000)
    return round(median(times), 1)
