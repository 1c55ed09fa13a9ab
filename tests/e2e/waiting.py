"""Waiting for what another process does: until it is done, or a deadline."""

import time
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")


def until(ask: Callable[[], Answer | None], what: str, seconds: float = 60) -> Answer:
    """Ask again and again, and return the first answer that is not None.

    Raises:
        TimeoutError: there was none for that long.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = ask()
        if answer is not None:
            return answer
        time.sleep(0.1)
    raise TimeoutError(f"waited {seconds:g} s for {what}")
