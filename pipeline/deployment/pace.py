"""Send no faster than a number of functions can work.

Lambda drops an event that waits for six hours into the failure queue, and videos that are uploaded
meanwhile wait behind those that were sent.
"""

from __future__ import annotations

import heapq
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class SendingPace:
    """Waits until one of a number of functions has time, by the estimated seconds of work."""

    def __init__(
        self,
        concurrency: int,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Create a pace; all functions have time.

        Args:
            concurrency: how many functions may work at once.
            clock: returns seconds.
            sleep: waits for a number of seconds.
        """
        self._free_at = [clock()] * concurrency
        self._clock = clock
        self._sleep = sleep

    def wait(self, work_seconds: float) -> None:
        """Wait until a function has time, and note that it then works for so long."""
        now = self._clock()
        if self._free_at[0] > now:
            self._sleep(self._free_at[0] - now)
        started = max(now, self._free_at[0])
        heapq.heapreplace(self._free_at, started + work_seconds)
