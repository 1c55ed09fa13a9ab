"""What a submission takes: seconds of work, and dollars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.resources.prices import BLOCK_BYTES, Rates, bill

if TYPE_CHECKING:
    from pipeline.deployment.function import Function
    from pipeline.deployment.lengths import Lengths


@dataclass(frozen=True)
class Estimate:
    """What videos take.

    Attributes:
        function: the function that processes them.
        lengths: how long they are.
        real_time_factor: seconds of work for each second of video.
    """

    function: Function
    lengths: Lengths
    real_time_factor: float

    def work_seconds_of(self, size_bytes: int) -> float:
        """Return the seconds of work for one video; not more than the function's time-out."""
        seconds = self.lengths.seconds_of(size_bytes) * self.real_time_factor
        return min(seconds, self.function.timeout_seconds)

    @property
    def work_seconds(self) -> float:
        """Seconds of work for all videos, if none is cut off by the time-out."""
        return self.lengths.seconds * self.real_time_factor

    @property
    def dollars(self) -> float:
        """What the videos cost, without the storage of results.

        One frame is kept for each second of video, the most that the default configuration keeps.
        Its image is an object of its own; `output.archive` costs less.
        """
        function, lengths = self.function, self.lengths
        rates = Rates(function.memory_megabytes, function.storage_megabytes, function.is_arm)
        return bill(
            rates,
            work_seconds=self.work_seconds,
            frames=lengths.seconds,
            fetches=lengths.size_bytes / BLOCK_BYTES,
            videos=lengths.videos,
        ).total
