"""Stop a run whose video does not fit into the time of its function.

A run that cannot fit is stopped as soon as that is clear. Any other run is stopped shortly before
its deadline, so that it still has the time to write why.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pipeline.errors import CapacityError
from pipeline.resources.capacity import LARGEST_FUNCTION
from pipeline.resources.pace import Mark, Pace

if TYPE_CHECKING:
    from pipeline.resources.budget import Budget

TOO_LONG = "too_long_for_function"

RESERVE_SECONDS_A_FILE = 0.01
"""Kept to publish an image, or to read one and write it into an export.

S3 copies or reads one in 30 to 100 ms, eight or more at a time. One in an archive takes less.
"""

# Ending takes a second to notice, up to 2 for a decoder that hangs, and a few requests to S3. A
# short time-out must leave time to work.
_RESERVE_SECONDS, _RESERVE_SHARE = 20.0, 0.15
# A stretch of the pace: long enough for a steady speed, and short beside the time there is.
_STRETCH_SECONDS, _STRETCH_SHARE = 20.0, 0.05
# The rest may be easier than what was measured. If it would take more than this many times the
# time that is left, it does not fit.
_CLEAR_MARGIN = 2.0


class TimeLimit:
    """Compares the progress of one run with its deadline. Only the main thread may call it."""

    def __init__(
        self, name: str, budget: Budget, end_seconds: float | None, *, copies: int = 1
    ) -> None:
        """Create the limit; the run begins now.

        Args:
            name: name of the video in messages.
            budget: the deadline, and what the function has, for the message.
            end_seconds: presentation time at which sampling ends; None: at the video's end.
            copies: how often each image is written after the video's end: 1 to publish it, and 1
                for each export.
        """
        self._name = name
        self._copies = copies
        self._budget = budget
        self._end_seconds = math.inf if end_seconds is None else end_seconds
        self._given_seconds = budget.deadline.seconds_left()
        self._pace = Pace(min(_STRETCH_SECONDS, _STRETCH_SHARE * self._given_seconds))
        self._total_seconds: float | None = None
        self._files = 0

    @property
    def reserve_seconds(self) -> float:
        """Time that is kept for writing and publishing."""
        fixed = min(_RESERVE_SECONDS, _RESERVE_SHARE * self._given_seconds)
        return fixed + RESERVE_SECONDS_A_FILE * self._copies * self._files

    def check(self) -> None:
        """Check that more time is left than writing needs.

        Raises:
            CapacityError: the time is over.
        """
        if self._budget.deadline.seconds_left() <= self.reserve_seconds:
            raise self._error()

    def add_frame(
        self, done_seconds: float, video_seconds: float | None, *, is_written: bool
    ) -> None:
        """Count a sampled frame that passed all stages, and check that the rest can fit.

        Args:
            done_seconds: its presentation time.
            video_seconds: likely length of the video; None if unknown.
            is_written: whether its image was written, and is to be published.

        Raises:
            CapacityError: the time is over, or the rest takes clearly longer than is left.
        """
        if math.isinf(self._given_seconds):
            return
        self._files += is_written
        self._total_seconds = None
        if video_seconds is not None:
            self._total_seconds = min(video_seconds, self._end_seconds)
        left_seconds = self._budget.deadline.seconds_left()
        is_measured = self._pace.add(Mark(self._given_seconds - left_seconds, done_seconds))
        self.check()
        if is_measured and self._rest_seconds() > _CLEAR_MARGIN * (
            left_seconds - self.reserve_seconds
        ):
            raise self._error()

    def _rest_seconds(self) -> float:
        """Return the work that the rest of the video needs; 0 if nothing is known of it."""
        done = self._pace.last
        if self._total_seconds is None:
            return 0.0
        speed = self._pace.speed or done.speed_since(Mark())
        return max(0.0, self._total_seconds - done.video_seconds) / speed if speed else math.inf

    def _error(self) -> CapacityError:
        left_seconds = self._budget.deadline.seconds_left()
        return CapacityError(
            TOO_LONG,
            f"{self._name} takes longer than the function may run. "
            f"{self._progress_sentence(self._given_seconds - left_seconds)} "
            f"{self._given_sentence()} {self._remedy_sentence()}",
        )

    def _progress_sentence(self, work_seconds: float) -> str:
        after, done = f"After {work_seconds:.0f} seconds of work", self._pace.last
        if done == Mark():
            return f"{after}, no sampled frame was done."
        came = f"{after}, {done.video_seconds:.0f}"
        if self._total_seconds is None:
            return (
                f"{came} seconds of video were done; how long all of it takes is not known, "
                "because its header gives no length or a wrong one."
            )
        all_seconds = work_seconds + self._rest_seconds()
        takes = f"about {all_seconds:.0f} seconds" if math.isfinite(all_seconds) else "much longer"
        return (
            f"{came} of {self._total_seconds:.0f} seconds of video were done; "
            f"at this speed all of it takes {takes}."
        )

    def _given_sentence(self) -> str:
        capacity = self._budget.capacity
        has = f"The run had {self._given_seconds:.0f} seconds"
        if capacity is not None:
            has += f", the function has {capacity.seconds} seconds and {capacity.megabytes} MB"
        return f"{has}; the last {self.reserve_seconds:.0f} are kept for writing the result."

    def _remedy_sentence(self) -> str:
        capacity, largest = self._budget.capacity, LARGEST_FUNCTION
        remedies = []
        if capacity is None or capacity.seconds < largest.seconds:
            remedies.append(f"raise TimeoutSeconds (at most {largest.seconds})")
        if capacity is None or capacity.megabytes < largest.megabytes:
            remedies.append(
                f"raise MemoryMegabytes (at most {largest.megabytes}; more memory gives more CPUs)"
            )
        remedies += ["sample more sparsely (sampling.every_seconds)", "cut the video into parts"]
        sentence = f"{', '.join(remedies[:-1])}, or {remedies[-1]}."
        return sentence[0].upper() + sentence[1:]
