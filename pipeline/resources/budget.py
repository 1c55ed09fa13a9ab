"""What one run may use: the time until its deadline, and the memory of its function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from pipeline.resources.deadline import Deadline

if TYPE_CHECKING:
    from pipeline.resources.capacity import Capacity


@dataclass(frozen=True)
class Budget:
    """The limits of one run. A video that does not fit them is rejected.

    Attributes:
        deadline: when the run must have ended.
        capacity: memory and time-out of the function that works; None on other machines.
        is_whole: whether this run has all the time of the function. If not, a video that does not
            fit is tried again, because it may fit alone.
    """

    deadline: Deadline
    capacity: Capacity | None = None
    is_whole: bool = True

    @classmethod
    def unlimited(cls) -> Self:
        """Return a budget without limits, as the command line has it."""
        return cls(Deadline.never())
