"""Measure ONNX Runtime's options: optimising the graph at each start, and the memory arena."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import onnxruntime

from bench import results
from bench.measuring import in_child, peak_megabytes, thread_seconds
from pipeline.config.schema import DetectorConfig
from pipeline.detection.model_folder import find_model_file
from pipeline.detection.session import CPU_ONLY, session_options

ROUNDS, RUNS, RUNS_AT_A_TIME = 15, 40, 2
_ALL = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
_NONE = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL


def measure() -> str:
    """Measure, and return the section."""
    model_file = find_model_file(DetectorConfig().model)
    heading = f"## ONNX Runtime's session\n\n{results.date_and_processor()}; {model_file.stem}.\n"
    return "\n".join((heading, loading(model_file), memory(model_file)))


def loading(model_file: Path) -> str:
    """Return the table of load times, with and without optimisations."""
    with TemporaryDirectory() as folder:
        optimised = Path(folder, "optimised.onnx")
        options = session_options()
        options.optimized_model_filepath = str(optimised)
        open_session(model_file, options)
        seconds = thread_seconds(
            {
                "as pretag loads it, all optimisations": partial(load, model_file, _ALL),
                "none": partial(load, model_file, _NONE),
                "none, of a file that was optimised before": partial(load, optimised, _NONE),
            },
            ROUNDS,
        )
    rows = [(name, f"{1000 * median(each):.0f}") for name, each in seconds.items()]
    return f"Loading, medians of {ROUNDS}:\n\n" + results.table(("optimisations", "ms"), rows)


def load(file: Path, level: onnxruntime.GraphOptimizationLevel) -> None:
    """Load a model with pretag's options, but another level of optimisation."""
    options = session_options()
    options.graph_optimization_level = level
    open_session(file, options)


def memory(model_file: Path) -> str:
    """Return the table of the memory that parallel runs take."""
    rows = []
    for name, has_arena in (("as pretag runs it, with the arena", True), ("without", False)):
        megabytes, seconds = in_child(run_model, model_file, has_arena)
        rows.append((name, f"{megabytes:.0f}", f"{1000 * seconds / RUNS:.1f}"))
    return (
        f"{RUNS} runs, {RUNS_AT_A_TIME} at a time; growth of the process after the model was "
        "loaded:\n\n" + results.table(("memory", "MB", "CPU ms per run"), rows)
    )


def run_model(file: Path, has_arena: bool) -> tuple[float, float]:  # noqa: FBT001 - called by position
    """Run a model, and return the growth of the peak memory in MB, and the CPU seconds."""
    options = session_options()
    options.enable_cpu_mem_arena = has_arena
    session = open_session(file, options)
    tensor = session.get_inputs()[0]
    before = peak_megabytes()

    def run(_number: int) -> None:
        session.run(None, {tensor.name: np.zeros(tensor.shape, np.float32)})

    started = time.process_time()
    with ThreadPoolExecutor(RUNS_AT_A_TIME) as pool:
        list(pool.map(run, range(RUNS)))
    return peak_megabytes() - before, time.process_time() - started


def open_session(file: Path, options: onnxruntime.SessionOptions) -> onnxruntime.InferenceSession:
    """Return a session on the CPU."""
    return onnxruntime.InferenceSession(file, options, providers=list(CPU_ONLY))


if __name__ == "__main__":
    results.run(measure, __doc__ or "")
