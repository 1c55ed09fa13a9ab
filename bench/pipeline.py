"""Measure the pipeline: its speed, memory, sparse sampling, and what it makes of damaged clips.

All in one run on one machine, as ratios of things that took turns.
"""  # noqa: INP001 - started by bench/run

from __future__ import annotations

import os

import cv2
import onnxruntime

from bench import damage, memory, results, sparse, speed
from pipeline.concurrency.cpus import available_cpus

PARTS = (speed, memory, sparse, damage)


def measured() -> str:
    """Measure part by part, and return the report."""
    load, _, _ = os.getloadavg()
    parts = [part.measured() for part in PARTS]
    targets = [target.row for _, part in parts for target in part]
    verdicts = results.table(("ratio", "measured", "target", ""), targets)
    return "\n".join((heading(load), verdicts, *(text for text, _ in parts)))


def heading(load: float) -> str:
    """Return what was measured, on what, and when."""
    return (
        "## Pipeline\n\n"
        f"{results.when_and_where()}, {available_cpus()} CPUs; OpenCV {cv2.__version__}, "
        f"ONNX Runtime {onnxruntime.__version__}. Medians of {speed.ROUNDS} rounds, "
        f"{memory.ROUNDS} for memory, {sparse.ROUNDS} for sparse sampling. "
        f"Load of the machine at the start: {load:.1f}.\n"
    )


if __name__ == "__main__":
    results.publish(measured, __doc__ or "")
