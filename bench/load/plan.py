"""How many uploads are sent, and when."""

from __future__ import annotations

from dataclasses import dataclass

MOST_UPLOADS = 1000
MOST_A_SECOND = 20.0
MOST_SECONDS = 1800.0


@dataclass(frozen=True)
class Plan:
    """Uploads at a constant rate. All numbers are bounded, so that a typing error is cheap.

    Attributes:
        uploads: their number, at most 1,000.
        per_second: uploads a second, at most 20.
        seconds: after so many, measuring ends, whatever is missing; at most 1,800.
    """

    uploads: int
    per_second: float
    seconds: float

    def __post_init__(self) -> None:
        """Check the bounds.

        Raises:
            ValueError: a number is out of its bounds, or the time ends before the last upload.
        """
        if not 1 <= self.uploads <= MOST_UPLOADS:
            raise ValueError(f"Send 1 to {MOST_UPLOADS} uploads, not {self.uploads}.")
        if not 0 < self.per_second <= MOST_A_SECOND:
            raise ValueError(
                f"Send more than 0 and at most {MOST_A_SECOND:g} uploads a second, "
                f"not {self.per_second:g}."
            )
        if not 0 < self.seconds <= MOST_SECONDS:
            raise ValueError(
                f"Measure for more than 0 and at most {MOST_SECONDS:g} s, not {self.seconds:g}."
            )
        if self.due_seconds[-1] >= self.seconds:
            raise ValueError(
                f"The last upload is due after {self.due_seconds[-1]:g} s, and measuring ends "
                f"after {self.seconds:g} s. Send fewer or faster, or measure for longer."
            )

    @property
    def due_seconds(self) -> list[float]:
        """When each upload is due, in seconds after the first one."""
        return [number / self.per_second for number in range(self.uploads)]
