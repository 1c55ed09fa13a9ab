"""What a submission takes: seconds of work, and dollars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.deployment.function import Function
    from pipeline.deployment.lengths import Lengths

# Prices of us-east-1, and the numbers of requests, as in docs/operations.md, "Costs".
_GIGABYTE_SECOND, _ARM_SHARE, _STORAGE_GIGABYTE_SECOND = 0.0000166667, 0.8, 0.0000000309
_INVOCATION, _WRITE, _READ, _NOTIFICATION = 0.0000002, 0.000005, 0.0000004, 0.000001
_WRITES_A_FRAME, _WRITES_A_VIDEO, _READS_A_VIDEO, _BLOCK_BYTES = 2, 21, 12, 4 * 1024 * 1024
_FREE_STORAGE_MEGABYTES, _MEGABYTES_A_GIGABYTE = 512, 1024


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
        """
        function, lengths = self.function, self.lengths
        compute = function.memory_megabytes / _MEGABYTES_A_GIGABYTE * _GIGABYTE_SECOND
        compute *= _ARM_SHARE if function.is_arm else 1.0
        storage_megabytes = function.storage_megabytes - _FREE_STORAGE_MEGABYTES
        storage = storage_megabytes / _MEGABYTES_A_GIGABYTE * _STORAGE_GIGABYTE_SECOND
        writes = _WRITES_A_FRAME * lengths.seconds + _WRITES_A_VIDEO * lengths.videos
        reads = lengths.size_bytes / _BLOCK_BYTES + _READS_A_VIDEO * lengths.videos
        return (
            self.work_seconds * (compute + storage)
            + writes * _WRITE
            + reads * _READ
            + lengths.videos * (_INVOCATION + _NOTIFICATION)
        )
