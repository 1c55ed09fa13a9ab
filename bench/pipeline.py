"""Measure the pipeline: speed, memory, sparse sampling, and damaged clips.

The targets are ratios of things that were measured in turn, in one run on one machine.
"""

from __future__ import annotations

import os

import cv2
import onnxruntime

from bench import damaged_clips, memory, outside, results, sparse_sampling, speed
from pipeline.concurrency.cpus import available_cpus

PARTS = (outside, speed, memory, sparse_sampling, damaged_clips)


def measure() -> str:
    """Measure all parts, and return the section."""
    load, _, _ = os.getloadavg()
    parts = [part.measure() for part in PARTS]
    rows = [target.row for _, targets in parts for target in targets]
    verdicts = results.table(("ratio", "measured", "target", ""), rows)
    return "\n".join((heading(load), verdicts, *(text for text, _ in parts)))


def heading(load: float) -> str:
    """Return the heading, with the date, the machine and the versions."""
    return "## Pipeline\n\n" + results.paragraph(
        f"{results.date_and_processor()}, {available_cpus()} CPUs; OpenCV {cv2.__version__}, "
        f"ONNX Runtime {onnxruntime.__version__}. Medians of {speed.ROUNDS} rounds, "
        f"{memory.ROUNDS} for memory, {sparse_sampling.ROUNDS} for sparse sampling. "
        f"Load of the machine at the start: {load:.1f}."
    ).removesuffix("\n")


if __name__ == "__main__":
    results.run(measure, __doc__ or "")
