"""Run a model so that Ctrl-C ends it: ONNX Runtime's own calls do not look for signals."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pipeline.concurrency.deferred_signals import DeferredSignals
from pipeline.concurrency.ordered_executor import OrderedExecutor

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def run_interruptibly(function: Callable[[], T], stop: Callable[[], None]) -> T:
    """Return what a function returns, or raise what it raises. It runs in a thread of its own.

    Args:
        function: the function.
        stop: called after Ctrl-C; it must make the function end.
    """
    signals = DeferredSignals()
    with signals, OrderedExecutor(1, on_failure=stop, watch=signals.deliver) as executor:
        (result,) = executor.map(lambda _: function(), iter((None,)))
    return result
