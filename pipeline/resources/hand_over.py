"""How a run that is too long for one invocation is handed over to many.

The handler knows how; the run only says when: before it works, and when its time is over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pipeline.errors import CapacityError


class HandOver(Protocol):
    """Hands a run over, or leaves it where it is."""

    def before_work(self) -> None:
        """Hand the run over if it will not fit.

        Raises:
            HandedOverError: it was handed over.
            PretagError: that failed.
        """

    def out_of_time(self, error: CapacityError) -> CapacityError:
        """Hand over a run that proved too long.

        Args:
            error: why it does not fit.

        Returns:
            Why the video is rejected, if the run cannot be handed over.

        Raises:
            HandedOverError: it was handed over.
            PretagError: that failed.
        """


class NoHandOver:
    """Leaves each run where it is."""

    def before_work(self) -> None:
        """Do nothing."""

    def out_of_time(self, error: CapacityError) -> CapacityError:
        """Return the error."""
        return error
