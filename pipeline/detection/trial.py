"""Try a model in a process of its own, with bounded time and memory, before it is loaded here.

A few hundred bytes can describe a graph that never ends, or that takes all memory, while ONNX
Runtime loads it or while it runs. ONNX Runtime has no limit for either.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from dataclasses import dataclass
from logging import getLogger
from typing import TYPE_CHECKING, Any, Self

from pipeline.child_process.launching import IS_SUPPORTED, launch
from pipeline.detection.session import CPU_ONLY
from pipeline.detection.unsupported import UnsupportedModelError

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.detection.graph import Shape
    from pipeline.resources.budget import Budget

logger = getLogger(__name__)

_TRY = (
    "from pipeline.detection.trial_child import main; main({parent}, {more_bytes}, {cpu_seconds})"
)
_MEBIBYTE = 2**20
_LONGEST_ANSWER = 65_536
# Not all, because this process and the child's imports need memory too, and the error needs time.
_SHARE_OF_MEMORY, _SHARE_OF_TIME = 0.75, 0.5


@dataclass(frozen=True)
class TrialLimits:
    """What a model may use to be loaded and to run once on a blank image.

    Attributes:
        megabytes: memory in MiB, beyond the 60 MB of an empty process.
        cpu_seconds: CPU time in seconds.
        seconds: time in seconds; longer than the CPU time, because a function may have a share of a
            CPU only.
    """

    megabytes: int = 4096
    cpu_seconds: int = 60
    seconds: float = 300

    @classmethod
    def within(cls, budget: Budget) -> Self:
        """Return the limits for a model that a function loads: parts of what it has."""
        usual = cls()
        return cls(
            megabytes=usual.megabytes
            if budget.capacity is None
            else int(budget.capacity.megabytes * _SHARE_OF_MEMORY),
            seconds=min(usual.seconds, budget.deadline.seconds_left() * _SHARE_OF_TIME),
        )


@dataclass(frozen=True)
class Trial:
    """What the trial of a model found.

    Attributes:
        shapes: the shapes of the outputs for a blank image; None if the run failed.
        failure: why the run failed, as in `UnsupportedModelError`; None if it did not.
    """

    shapes: tuple[Shape, ...] | None = None
    failure: str | None = None


def can_try(providers: tuple[str, ...]) -> bool:
    """Tell whether a trial is possible: on Linux, and for models that run on the CPU."""
    return IS_SUPPORTED and providers == CPU_ONLY


def try_model(path: Path, limits: TrialLimits) -> Trial:
    """Load a model, and run it once on a blank image, in a process of its own.

    Args:
        path: a complete ONNX file without external tensors.
        limits: what the process may use.

    Raises:
        OSError: the file cannot be read.
        UnsupportedModelError: the model cannot be loaded, crashes, or needs more than the limits.
    """
    answer = os.memfd_create("answer", os.MFD_CLOEXEC)
    try:
        with path.open("rb") as model:
            code = _run_child((model.fileno(), answer), limits)
        text = os.pread(answer, _LONGEST_ANSWER, 0)
    finally:
        os.close(answer)
    if code != 0:
        raise _ended_error(code, limits)
    # The file may control the child, so its answer is not trusted.
    try:
        return _read_answer(json.loads(text), limits)
    except (LookupError, TypeError, ValueError, RecursionError) as error:
        raise _crash_error("it gives no answer") from error


def _run_child(descriptors: tuple[int, int], limits: TrialLimits) -> int:
    """Return the exit code of the child; the negative number of the signal that ended it.

    Raises:
        UnsupportedModelError: it took more than its time, and was ended.
    """
    call = _TRY.format(
        parent=os.getpid(),
        more_bytes=limits.megabytes * _MEBIBYTE,
        cpu_seconds=limits.cpu_seconds,
    )
    process = launch(call, descriptors, subprocess.DEVNULL)
    try:
        return process.wait(limits.seconds)
    except subprocess.TimeoutExpired as error:
        raise UnsupportedModelError(
            f"to load it and to run it once takes more than {limits.seconds:.3g} seconds, which is "
            "all the time that it gets. Its graph may have no end. Use another model or, in "
            "Lambda, raise TimeoutSeconds and MemoryMegabytes."
        ) from error
    finally:  # also after Ctrl-C
        process.kill()
        process.wait()


def _read_answer(answer: dict[str, Any], limits: TrialLimits) -> Trial:
    if answer["refused"]:
        logger.warning(
            "The kernel refused restrictions of the process that tries a model",
            extra={"refused": answer["refused"]},
        )
    if answer["lacks_memory"]:
        raise _memory_error(limits)
    if answer["refusal"] is not None:
        raise UnsupportedModelError(str(answer["refusal"]))
    if answer["failure"] is not None:
        return Trial(failure=str(answer["failure"]))
    return Trial(
        shapes=tuple(
            tuple(None if size is None else int(size) for size in shape)
            for shape in answer["shapes"]
        )
    )


def _ended_error(code: int, limits: TrialLimits) -> UnsupportedModelError:
    if code == -signal.SIGXCPU:
        return UnsupportedModelError(
            f"to load it and to run it once takes more than {limits.cpu_seconds} seconds of CPU "
            "time, which no detector needs. Its graph may have no end. Export it again, or use "
            "another model."
        )
    if code == -signal.SIGKILL:  # the system does so when no memory is left
        return _memory_error(limits)
    return _crash_error(f"signal {-code}" if code < 0 else f"exit code {code}")


def _memory_error(limits: TrialLimits) -> UnsupportedModelError:
    return UnsupportedModelError(
        f"to load it and to run it once takes more than {limits.megabytes} MB of memory. Export it "
        "for smaller images and a batch of 1, use a smaller model or, in Lambda, raise "
        "MemoryMegabytes."
    )


def _crash_error(how: str) -> UnsupportedModelError:
    return UnsupportedModelError(
        f"it crashes ONNX Runtime ({how}). Export it again, or use another model."
    )
