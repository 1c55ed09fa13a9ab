"""One invocation of the function: its id, its time, its capacity."""

from __future__ import annotations

import math
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.resources.budget import Budget
from pipeline.resources.capacity import Capacity
from pipeline.resources.deadline import Deadline
from pipeline.storage.s3.attempts import Attempt

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

# A process that Lambda starts again after a crash has lost some seconds.
_WHOLE_SHARE = 0.9


@dataclass(frozen=True)
class Invocation:
    """An invocation.

    Attributes:
        request_id: its id. Lambda keeps it when it tries an event again.
        deadline: when Lambda ends it.
        began_at, ends_at: when it began, and the deadline, in seconds since 1970.
        capacity: memory and time-out of the function.
    """

    request_id: str
    deadline: Deadline
    began_at: float
    ends_at: float
    capacity: Capacity

    @classmethod
    def begin(cls, context: LambdaContext, timeout_seconds: int | None) -> Invocation:
        """Return the invocation of Lambda's context.

        Args:
            context: what Lambda passes to the handler.
            timeout_seconds: time-out of the function; None if unknown, which takes the time that is
                left. That is less in a process that Lambda starts again after a crash.
        """
        now = time.time()
        seconds_left = context.get_remaining_time_in_millis() / 1000
        longest_seconds = timeout_seconds or math.ceil(seconds_left)
        return cls(
            request_id=context.aws_request_id,
            deadline=Deadline.after(seconds_left),
            began_at=now,
            ends_at=now + seconds_left,
            capacity=Capacity(int(context.memory_limit_in_mb), longest_seconds),
        )

    def budget(self) -> Budget:
        """Return what is left for one video.

        After other videos of the same event it is less than a function has. Then a video that does
        not fit is tried again instead of being rejected.
        """
        is_whole = self.deadline.seconds_left() > _WHOLE_SHARE * self.capacity.seconds
        return Budget(self.deadline, self.capacity, is_whole=is_whole)

    def attempt(self, video: str) -> Attempt:
        """Return a new attempt at a run of the video at `s3://bucket/key`."""
        return Attempt(
            id=secrets.token_hex(8),
            request_id=self.request_id,
            started=self.began_at,
            deadline=self.ends_at,
            capacity=self.capacity,
            video=video,
        )
