"""Stop the joining of images into one archive if it does not fit the time of the function."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.errors import CapacityError
from pipeline.resources.time_limit import RESERVE_SECONDS_A_FILE, TOO_LONG

if TYPE_CHECKING:
    from collections.abc import Collection

    from pipeline.resources.budget import Budget

# To end in good order, and to copy the archive inside S3, in several parts at a time.
_RESERVE_SECONDS = 20.0
_COPIED_BYTES_A_SECOND = 100e6


class JoiningLimit:
    """Compares what is joined with the deadline of the run."""

    def __init__(
        self, name: str, budget: Budget, sizes_bytes: Collection[int], *, exports: int
    ) -> None:
        """Create the limit; the joining begins now.

        Args:
            name: name of the video in messages.
            budget: the deadline, and what the function has, for the message.
            sizes_bytes: size of each image.
            exports: number of exports. Each reads and writes each image once more, afterwards.
        """
        self._name = name
        self._budget = budget
        self._all_bytes = sum(sizes_bytes)
        self._exports = exports
        self._done_bytes = 0
        self._reserve_seconds = (
            _RESERVE_SECONDS
            + self._all_bytes / _COPIED_BYTES_A_SECOND
            + RESERVE_SECONDS_A_FILE * exports * len(sizes_bytes)
        )

    def add(self, size_bytes: int) -> None:
        """Count an image that was joined, and check that the time is not over.

        Raises:
            CapacityError: it is.
        """
        self._done_bytes += size_bytes
        if self._budget.deadline.seconds_left() > self._reserve_seconds:
            return
        raise self._error()

    def _error(self) -> CapacityError:
        capacity = self._budget.capacity
        has = "" if capacity is None else f" ({capacity.seconds} seconds, {capacity.megabytes} MB)"
        kept, remedy = "publishing", "Set output.archive to none"
        if self._exports:
            kept += f" and for writing {self._exports} export{'s' if self._exports > 1 else ''}"
            remedy = (
                "Leave out output.exports (`pretag export` writes them from the result), set "
                "output.archive to none"
            )
        return CapacityError(
            TOO_LONG,
            f"The images of {self._name} cannot be joined into one archive in the time of the "
            f"function{has}: {self._done_bytes / 1e9:.1f} of {self._all_bytes / 1e9:.1f} GB were "
            f"done, and the last {self._reserve_seconds:.0f} seconds are kept for {kept}. {remedy}"
            ", raise TimeoutSeconds or MemoryMegabytes, sample more sparsely "
            "(sampling.every_seconds), or cut the video into parts.",
        )
