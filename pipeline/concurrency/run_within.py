"""Run a function for at most a given time."""

from __future__ import annotations

from concurrent.futures import Future
from threading import Thread
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def run_within(function: Callable[[], T], seconds: float) -> T:
    """Return what a function returns, or raise what it raises, if it ends in time.

    A function that does not end goes on in its thread, which ends with the process at the latest.
    What it returns or raises then is dropped.

    Args:
        function: must not change anything that is used after the time is over.
        seconds: the time, finite.

    Raises:
        TimeoutError: the function has not ended.
    """
    future: Future[T] = Future()
    Thread(target=_complete, args=(future, function), daemon=True).start()
    return future.result(seconds)


def _complete(future: Future[T], function: Callable[[], T]) -> None:
    try:
        result = function()
    except BaseException as error:  # noqa: BLE001 - raised in the thread that waits
        future.set_exception(error)
    else:
        future.set_result(result)
