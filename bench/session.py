"""Measure what ONNX Runtime's options cost: optimising a graph at each start, and its memory."""  # noqa: INP001 - started by bench/run

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import onnxruntime

from bench import results
from bench.measuring import in_child, peak_megabytes
from pipeline.config.schema import DetectorConfig
from pipeline.detection.model import find_model_file
from pipeline.detection.session import CPU_ONLY, session_options

ROUNDS, RUNS, SIDE_BY_SIDE = 15, 40, 2
_LEVELS = onnxruntime.GraphOptimizationLevel


class Load(NamedTuple):
    """A way to load a model: its file, and what is done to its graph."""

    file: Path
    level: onnxruntime.GraphOptimizationLevel


def measured() -> str:
    """Measure, and return the report."""
    model = find_model_file(DetectorConfig().model)
    heading = f"## ONNX Runtime's session\n\n{results.when_and_where()}; {model.stem}.\n"
    return "\n".join((heading, loading(model), memory(model)))


def loading(model: Path) -> str:
    """Return the table of how long loading takes, and what a cached graph would save."""
    with TemporaryDirectory() as folder:
        cached = Path(folder, "optimised.onnx")
        options = options_for(_LEVELS.ORT_ENABLE_ALL)
        options.optimized_model_filepath = str(cached)
        onnxruntime.InferenceSession(model, options, providers=list(CPU_ONLY))
        ways = {
            "as pretag loads it, all optimisations": Load(model, _LEVELS.ORT_ENABLE_ALL),
            "none": Load(model, _LEVELS.ORT_DISABLE_ALL),
            "none, of a file that was optimised before": Load(cached, _LEVELS.ORT_DISABLE_ALL),
        }
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(ROUNDS):
            for name, way in ways.items():
                began = time.thread_time()
                onnxruntime.InferenceSession(
                    way.file, options_for(way.level), providers=list(CPU_ONLY)
                )
                seconds[name].append(time.thread_time() - began)
    rows = [(name, f"{1000 * median(each):.0f}") for name, each in seconds.items()]
    return f"Loading, medians of {ROUNDS}:\n\n" + results.table(("optimisations", "ms"), rows)


def memory(model: Path) -> str:
    """Return the table of what memory runs side by side take."""
    rows = []
    for name, arena in (("as pretag runs it, with the arena", True), ("without", False)):
        peak, seconds = in_child(runs, model, arena)
        rows.append((name, f"{peak:.0f}", f"{1000 * seconds / RUNS:.1f}"))
    return (
        f"{RUNS} runs, {SIDE_BY_SIDE} at a time; what the process grew by since the model was "
        "loaded:\n\n" + results.table(("memory", "MB", "CPU ms a run"), rows)
    )


def runs(model: Path, arena: bool) -> tuple[float, float]:  # noqa: FBT001 - submitted to a process
    """Run a model; return the memory in MB that it took, and CPU seconds."""
    options = session_options()
    options.enable_cpu_mem_arena = arena
    session = onnxruntime.InferenceSession(model, options, providers=list(CPU_ONLY))
    port = session.get_inputs()[0]
    before = peak_megabytes()

    def run(_number: int) -> None:
        session.run(None, {port.name: np.zeros(port.shape, np.float32)})

    began = time.process_time()
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        list(pool.map(run, range(RUNS)))
    return peak_megabytes() - before, time.process_time() - began


def options_for(level: onnxruntime.GraphOptimizationLevel) -> onnxruntime.SessionOptions:
    """Return pretag's options, save how much of the graph is optimised."""
    options = session_options()
    options.graph_optimization_level = level
    return options


if __name__ == "__main__":
    results.publish(measured, __doc__ or "")
