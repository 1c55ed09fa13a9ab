"""Ctrl-C and termination, put off while OpenCV calls back into Python.

Python runs signal handlers between any two steps of the main thread, the first step of a callback
too. An exception there ends the process in C++, with nothing cleaned up. So handlers raise at
once, but not while `held`: then they raise as soon as OpenCV has returned.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType, TracebackType


class _Interrupts:
    """A context manager that holds interrupts back."""

    def __init__(self) -> None:
        self._holding = False
        self._pending: int | None = None

    def __enter__(self) -> None:
        self._holding = True

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._holding = False
        if self._pending is not None:
            number, self._pending = self._pending, None
            _raise(number)

    def handle(self, number: int, _frame: FrameType | None) -> None:
        """Take a signal."""
        if self._holding:
            self._pending = number
        else:
            _raise(number)


held = _Interrupts()


def install() -> None:
    """Make SIGINT raise KeyboardInterrupt, and SIGTERM SystemExit, when it is safe."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, held.handle)


def _raise(number: int) -> None:
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(128 + number)
