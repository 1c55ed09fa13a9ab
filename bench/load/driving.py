"""Send the uploads of a plan, and note when each has its ending."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bench.load.plan import Plan

POLL_SECONDS = 0.2
"""Time between two looks at the results. Latencies are too long by half of it, on average."""

Ending = Literal["done", "rejected"]


class Target(Protocol):
    """Where uploads go, and where their endings are seen."""

    def upload(self, number: int) -> None:
        """Put the upload of a number."""

    def endings(self) -> Mapping[int, Ending]:
        """Return the ending of each upload that has one, by number."""


@dataclass(frozen=True)
class Upload:
    """One upload, with times in seconds after the first one was due.

    Attributes:
        late: how long after its time it was sent, until S3 had it.
        sent: when S3 had it.
        ended: when its ending was seen; None: not until measuring ended.
        ending: its ending; None, as above.
    """

    late: float
    sent: float
    ended: float | None = None
    ending: Ending | None = None


def drive(
    plan: Plan,
    target: Target,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Upload]:
    """Send all uploads when they are due, and return them when each has its ending.

    Args:
        plan: how many, when, and for how long.
        target: where to.
        clock: returns seconds.
        sleep: waits for a number of seconds.

    Returns:
        The uploads that were sent, in order.
    """
    begin = clock()
    waiting = deque(plan.due_seconds)
    uploads: list[Upload] = []
    ended = 0
    while (waiting or ended < len(uploads)) and clock() - begin < plan.seconds:
        while waiting and waiting[0] <= clock() - begin:
            due = waiting.popleft()
            target.upload(len(uploads))
            sent = clock() - begin
            uploads.append(Upload(late=sent - due, sent=sent))
        endings = target.endings()
        seen = clock() - begin
        for number, ending in endings.items():
            upload = uploads[number]
            if upload.ending is None:
                uploads[number] = Upload(upload.late, upload.sent, seen, ending)
                ended += 1
        sleep(POLL_SECONDS)
    return uploads
