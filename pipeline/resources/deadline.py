"""When a run must have ended: a Lambda invocation has a time-out, the command line has none."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Deadline:
    """A moment on the monotonic clock.

    Attributes:
        at: the moment in seconds, as `time.monotonic` counts them; infinite: never.
    """

    at: float = math.inf

    @classmethod
    def after(cls, seconds: float) -> Self:
        """Return the moment that many seconds from now."""
        return cls(time.monotonic() + seconds)

    @classmethod
    def never(cls) -> Self:
        """Return a deadline that never comes."""
        return cls()

    def seconds_left(self) -> float:
        """Return the seconds until then, at least 0; infinite if there is no deadline."""
        return max(0.0, self.at - time.monotonic())
