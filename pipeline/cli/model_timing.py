"""How long a model takes on this machine."""

from __future__ import annotations

from dataclasses import replace
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.config.schema import DetectorConfig
from pipeline.detection.detector import Detector

if TYPE_CHECKING:
    from pipeline.detection.model import Model

RUNS = 5
# Full HD, grey: next to nothing is found in it, so that reading the outputs costs what it must.
HEIGHT, WIDTH = 1080, 1920


def timing(model: Model) -> dict[str, float]:
    """Time a blank picture of WIDTH x HEIGHT on one thread.

    Returns:
        The medians of RUNS runs, in milliseconds: `preprocess`, `inference` (ONNX Runtime alone)
        and `postprocess`.

    Raises:
        BrokenError: the model fails, or its output is none of its family's.
    """
    picture = np.full((HEIGHT, WIDTH, 3), 114, dtype=np.uint8)
    session = _Stopwatch(model.session)
    detector = Detector(replace(model, session=session), DetectorConfig())
    detector.detect(picture)  # the first run allocates
    laps = []
    for _ in range(RUNS):
        start = perf_counter()
        detector.detect(picture)
        end = perf_counter()
        laps.append((session.start - start, session.end - session.start, end - session.end))
    names = ("preprocess", "inference", "postprocess")
    return {
        name: round(median(times) * 1000, 2)
        for name, times in zip(names, zip(*laps, strict=True), strict=True)
    }


class _Stopwatch:
    """Stands for ONNX Runtime's session, and keeps when its last run began and ended."""

    def __init__(self, session: Any) -> None:  # noqa: ANN401 - untyped
        self._session = session
        self.start = self.end = 0.0

    def run(self, *arguments: object) -> Any:  # noqa: ANN401 - untyped
        self.start = perf_counter()
        outputs = self._session.run(*arguments)
        self.end = perf_counter()
        return outputs
