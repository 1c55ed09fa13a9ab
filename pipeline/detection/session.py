"""ONNX Runtime sessions: how model files are loaded, and with which options."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import onnxruntime

from pipeline.detection.unsupported import UnsupportedModelError, one_line_message

if TYPE_CHECKING:
    from pathlib import Path

CPU_ONLY = ("CPUExecutionProvider",)

# Three messages of ONNX Runtime. For an operator of another domain, such as "Fatal error:
# TRT:EfficientNMS_TRT(-1) is not a registered function/op". For an unknown operator of ONNX's own
# domain: "No Op registered for TFL_HARD_SWISH with domain_version of 17". For an operator that only
# other builds have: "Could not find an implementation for EfficientNMS_TRT(1) node with name".
_UNKNOWN_OPERATOR = re.compile(
    r"(?P<a>\S+?)(?:\(-?\d+\))? is not a registered function/op|No Op registered for (?P<b>\S+)"
    r"|Could not find an implementation for (?P<c>\S+?)\(\d+\)"
)


def open_session(model: Path | bytes, providers: tuple[str, ...]) -> Any:  # noqa: ANN401 - untyped
    """Return an ONNX Runtime session that has loaded a model file.

    Args:
        model: a complete ONNX file, or its content.
        providers: names of ONNX Runtime's execution providers, the preferred one first.

    Raises:
        UnsupportedModelError: ONNX Runtime cannot load the file, or a provider is not installed.
    """
    installed = onnxruntime.get_available_providers()
    for provider in providers:
        if provider not in installed:
            raise UnsupportedModelError(
                f"detector.providers names '{provider}', which the installed ONNX Runtime does not "
                f"have. Choose from {', '.join(installed)}."
            )
    try:
        return onnxruntime.InferenceSession(
            model, sess_options=session_options(), providers=list(providers)
        )
    except Exception as error:  # onnxruntime raises many unrelated types
        detail = one_line_message(error)
        unknown = _UNKNOWN_OPERATOR.search(detail)
        if unknown:
            operator = next(filter(None, unknown.groups()))
            raise UnsupportedModelError(
                f"it needs the operator {operator}, which this ONNX Runtime does not have, or does "
                "not have for this element type or opset. Export the model in float32, with a "
                "newer opset, and without operators of plug-ins such as TensorRT's NMS."
            ) from error
        raise UnsupportedModelError(
            f"ONNX Runtime cannot load it: {detail}. Check that this ONNX Runtime supports its "
            "opset, or export it again."
        ) from error


def session_options() -> Any:  # noqa: ANN401 - untyped
    """Return the options with which pretag loads every model."""
    options = onnxruntime.SessionOptions()
    # One thread for each frame, and as many frames in parallel as there are CPUs. On 2 CPUs this
    # takes 0.8 of the time of 2 threads for each frame, and results do not depend on the number of
    # CPUs. A session with one thread starts no threads. Such threads would spin while other stages
    # could use the CPU, and ONNX Runtime would read /sys to pin them to CPUs.
    # https://onnxruntime.ai/docs/performance/tune-performance/threading.html
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # The memory arena stays on: without it, two parallel runs take 1.3 to 1.7 times the memory, and
    # up to a third more CPU time. The arena grows to the memory that is used at one time. The
    # memory pattern is off: it keeps one block of memory for each size of image. It saves at most
    # 2 % of the time, and over 60 sizes memory grew by 32 % with it, and by 11 % without.
    # https://onnxruntime.ai/docs/api/csharp/api/Microsoft.ML.OnnxRuntime.SessionOptions.html
    options.enable_mem_pattern = False
    # ONNX Runtime must not take a file for another format than `scan_onnx_file` does.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    options.log_severity_level = 4  # fatal only: other failures are raised as exceptions
    # All graph optimisations stay on. They take tens of milliseconds at each start, as
    # bench/session.py measures. A cached optimised graph would save most of this, but /tmp does
    # not outlive the process.
    return options
