"""Opening a model with ONNX Runtime, on our terms."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import onnxruntime

from pipeline.detection.unsupported import UnsupportedModelError, one_line

if TYPE_CHECKING:
    from pathlib import Path

CPU = ("CPUExecutionProvider",)

# As in: Fatal error: TRT:EfficientNMS_TRT(-1) is not a registered function/op; or, if it passes for
# ONNX's own: No Op registered for TFL_HARD_SWISH with domain_version of 17; or, of one that other
# builds run: Could not find an implementation for EfficientNMS_TRT(1) node with name ''.
_UNKNOWN_OPERATOR = re.compile(
    r"(?P<a>\S+?)(?:\(-?\d+\))? is not a registered function/op|No Op registered for (?P<b>\S+)"
    r"|Could not find an implementation for (?P<c>\S+?)\(\d+\)"
)


def open_session(path: Path, providers: tuple[str, ...]) -> Any:  # noqa: ANN401 - untyped
    """Return ONNX Runtime's session of a model file.

    Args:
        path: a whole ONNX file.
        providers: what runs it, the preferred first, by ONNX Runtime's names.

    Raises:
        UnsupportedModelError: it cannot be opened, or a provider is not installed.
    """
    installed = onnxruntime.get_available_providers()
    for provider in providers:
        if provider not in installed:
            raise UnsupportedModelError(
                f"detector.providers asks for '{provider}', and the installed ONNX Runtime has "
                f"{', '.join(installed)}."
            )
    try:
        return onnxruntime.InferenceSession(
            path, sess_options=session_options(), providers=list(providers)
        )
    except Exception as error:  # onnxruntime raises a dozen unrelated types
        detail = one_line(error)
        unknown = _UNKNOWN_OPERATOR.search(detail)
        if unknown:
            operator = next(filter(None, unknown.groups()))
            raise UnsupportedModelError(
                f"it needs the operator {operator}, which this ONNX Runtime does not have, or not "
                "for its types and operator set. Export it in float32, with a newer operator set, "
                "and without the plug-in that brings it, such as TensorRT's NMS."
            ) from error
        raise UnsupportedModelError(f"ONNX Runtime does not load it: {detail}") from error


def session_options() -> Any:  # noqa: ANN401 - untyped
    """Return how ONNX Runtime is asked to run a model."""
    options = onnxruntime.SessionOptions()
    # One thread a frame, as many frames at a time as there are CPUs: 2 CPUs so take 0.8 of the time
    # that 2 threads a frame take, and results do not depend on the number of CPUs. Without threads
    # of its own, a session has none that spin while other stages could use the CPU, and never
    # looks in /sys for the CPUs to pin them to.
    # https://onnxruntime.ai/docs/performance/tune-performance/threading.html
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # The arena stays: without it two runs side by side take 1.3 to 1.7 times the memory, and up to
    # a third more CPU time. It grows to what is needed at once. Off is only the plan of one
    # block that is kept for each size of picture: it saves at most 2 % of the time, and over 60
    # sizes memory grew by 32 % with it, by 11 % without.
    # https://onnxruntime.ai/docs/api/csharp/api/Microsoft.ML.OnnxRuntime.SessionOptions.html
    options.enable_mem_pattern = False
    options.log_severity_level = 4  # only fatal: its failures are raised and told in our words
    # All graph optimisations, at each start: tens of milliseconds, as bench/session.py measures. A
    # cached graph would save most of them, but /tmp is as short-lived as the process.
    return options
