"""Wait until another process has done something, or until a deadline."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_for(read: Callable[[], T | None], name: str, seconds: float = 60) -> T:
    """Call a function ten times a second, and return its first result that is true.

    Args:
        read: the function.
        name: what is awaited, for the error message.
        seconds: the deadline.

    Raises:
        TimeoutError: no result was true before the deadline.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        result = read()
        if result:
            return result
        time.sleep(0.1)
    raise TimeoutError(f"Waited {seconds:g} s for {name}.")
