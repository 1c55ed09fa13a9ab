"""Measure how long a model takes on this machine."""

from __future__ import annotations

from dataclasses import replace
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.cli.interruptible import run_interruptibly
from pipeline.config.schema import DetectorConfig
from pipeline.detection.detector import Detector

if TYPE_CHECKING:
    from pipeline.detection.model import Model

RUNS = 5
# A grey Full HD image. Models detect hardly anything in it, so the time for postprocessing is the
# least that the outputs need.
HEIGHT, WIDTH = 1080, 1920


def measure(model: Model) -> dict[str, float]:
    """Measure the detection in a grey image of WIDTH x HEIGHT, on one thread. Ctrl-C ends it.

    Returns:
        Medians of RUNS runs, in milliseconds: `preprocess`, `inference` (ONNX Runtime alone) and
        `postprocess`.

    Raises:
        BrokenError: the model fails, or its outputs do not fit its family.
    """
    image = np.full((HEIGHT, WIDTH, 3), 114, dtype=np.uint8)
    session = _TimedSession(model.session)
    detector = Detector(replace(model, session=session), DetectorConfig())

    def run() -> list[tuple[float, float, float]]:
        detector.detect(image)  # the first run is slower, because it allocates memory
        times = []
        for _ in range(RUNS):
            start = perf_counter()
            detector.detect(image)
            end = perf_counter()
            times.append((session.start - start, session.end - session.start, end - session.end))
        return times

    times = run_interruptibly(run, detector.stop)
    names = ("preprocess", "inference", "postprocess")
    return {
        name: round(median(seconds) * 1000, 2)
        for name, seconds in zip(names, zip(*times, strict=True), strict=True)
    }


class _TimedSession:
    """An ONNX Runtime session that records the start and the end of its last run, in seconds."""

    def __init__(self, session: Any) -> None:  # noqa: ANN401 - onnxruntime has no types
        self._session = session
        self.start = self.end = 0.0

    def run(self, *arguments: object) -> Any:  # noqa: ANN401 - onnxruntime has no types
        self.start = perf_counter()
        outputs = self._session.run(*arguments)
        self.end = perf_counter()
        return outputs
