"""What a function can give one video: memory and time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Capacity:
    """The memory and the time-out of a function.

    Attributes:
        megabytes: memory.
        seconds: the longest time of one invocation.
    """

    megabytes: int
    seconds: int

    def covers(self, other: Capacity) -> bool:
        """Tell whether this capacity is at least the other one, in memory and in time."""
        return self.megabytes >= other.megabytes and self.seconds >= other.seconds

    def to_json(self) -> dict[str, int]:
        """Return the capacity as a JSON object."""
        return {"memory_megabytes": self.megabytes, "timeout_seconds": self.seconds}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Return the capacity that `to_json` wrote."""
        return cls(value["memory_megabytes"], value["timeout_seconds"])


LARGEST_FUNCTION = Capacity(megabytes=10_240, seconds=900)
"""The most that Lambda gives one function.
https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""
