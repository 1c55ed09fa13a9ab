"""Deadlines on clocks that the test moves, so that no test waits."""

from collections.abc import Callable

from pipeline.resources.deadline import Deadline


class ManualDeadline(Deadline):
    """A deadline whose time passes only by `spend`."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._left = seconds

    # A dataclass that is frozen sets no attribute, not even in a subclass.
    def __setattr__(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)

    def spend(self, seconds: float) -> None:
        """Let time pass."""
        self._left = max(0.0, self._left - seconds)

    def seconds_left(self) -> float:
        """Return what was not spent."""
        return self._left


class CalledDeadline(ManualDeadline):
    """A deadline that is over at the n-th question for it, and calls back then."""

    def __init__(self, seconds: float, questions: int, on_end: Callable[[], None]) -> None:
        super().__init__(seconds)
        self._questions, self._on_end = questions, on_end

    def seconds_left(self) -> float:
        """Return all the time, or nothing."""
        self._questions -= 1
        if self._questions > 0:
            return super().seconds_left()
        self._on_end()
        return 0.0
