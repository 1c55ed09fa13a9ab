"""Hold signals back until the main thread is at a safe place.

Python raises KeyboardInterrupt between any two instructions of the main thread. If that is inside
`ThreadPoolExecutor.submit`, a lock can stay locked for ever, and the process never ends.
"""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class DeferredSignals:
    """In the block, SIGINT and SIGTERM wait until `deliver` is called, or the block ends.

    Does nothing in other threads, and for signals that Python code does not handle.
    """

    def __init__(self) -> None:
        self._handlers: dict[int, Callable[[int, FrameType | None], object]] = {}
        self._pending: list[tuple[int, FrameType | None]] = []

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in _SIGNALS:
                handler = signal.getsignal(number)
                if callable(handler):
                    self._handlers[number] = handler
                    signal.signal(number, self._keep)
        return self

    def __exit__(self, *_error: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self.deliver()

    def deliver(self) -> None:
        """Handle the signals that came meanwhile, as if they came now."""
        while self._pending:
            number, frame = self._pending.pop(0)
            self._handlers[number](number, frame)

    def _keep(self, number: int, frame: FrameType | None) -> None:
        self._pending.append((number, frame))
