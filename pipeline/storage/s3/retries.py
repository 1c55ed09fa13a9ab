"""Try requests to S3 again, on one ladder for reads and writes, inside the time there is."""

from __future__ import annotations

import random as random_numbers
import time
from logging import getLogger
from typing import TYPE_CHECKING, Any, TypeVar

from pipeline.concurrency.run_within import run_within
from pipeline.errors import RetryableError
from pipeline.storage.s3.errors import translate_s3_errors

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.resources.deadline import Deadline
    from pipeline.storage.s3.errors import Access

T = TypeVar("T")

logger = getLogger(__name__)

TRIES = 10
TRY_SECONDS = 30.0
"""The longest time of one try; a block of 4 MiB then comes at 140 kB/s or more."""

_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 10.0


class Retries:
    """Repeats a request until it succeeds, for at most 10 tries and never beyond the deadline.

    Pauses are random between 0 and a limit that doubles from 0.1 s to 10 s, so that processes that
    failed together do not return together:
    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """

    def __init__(
        self,
        deadline: Deadline,
        *,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = random_numbers.random,
        within: Callable[[Callable[[], Any], float], Any] = run_within,
    ) -> None:
        """Create a ladder.

        Args:
            deadline: all tries end before it.
            sleep: waits for a number of seconds.
            random: returns a number from 0 to 1.
            within: runs a function for at most a number of seconds.
        """
        self._deadline = deadline
        self._sleep = sleep
        self._random = random
        self._within = within

    def call(
        self,
        request: Callable[[], T],
        uri: str,
        access: Access,
        *,
        try_seconds: float = TRY_SECONDS,
    ) -> T:
        """Return what `request` returns, after as many tries as it takes.

        Args:
            request: makes one try, with its body. It raises the errors of boto3, or errors of
                pretag, of which only `RetryableError` is tried again. It runs in its own thread,
                and goes on there after its time is over.
            uri: the object, for messages.
            access: `read` if the object is an input and can be superseded, `write` if it belongs to
                a result.
            try_seconds: the longest time of one try.

        Raises:
            SupersededError: an input is gone.
            BrokenError: S3 refuses the request.
            RetryableError: the last try failed, or no time is left for another one.
        """
        for number in range(1, TRIES):
            try:
                return self._try_once(request, uri, access, try_seconds)
            except RetryableError as error:
                pause = self._pause(number)
                if pause >= self._deadline.seconds_left():
                    raise
                logger.warning(
                    "Try %d of %d failed, the next one follows in %.1f s: %s",
                    number,
                    TRIES,
                    pause,
                    error,
                )
            self._sleep(pause)
        return self._try_once(request, uri, access, try_seconds)

    def _try_once(
        self, request: Callable[[], T], uri: str, access: Access, longest_seconds: float
    ) -> T:
        seconds = min(longest_seconds, self._deadline.seconds_left())
        if not seconds:
            raise RetryableError(f"No time is left to reach {uri}. It is tried again.")

        def translated() -> T:
            with translate_s3_errors(uri, access):
                return request()

        try:
            result: T = self._within(translated, seconds)
        except TimeoutError as error:
            raise RetryableError(
                f"S3 did not complete its answer for {uri} within {seconds:.1f} s. It is tried "
                "again."
            ) from error
        return result

    def _pause(self, number: int) -> float:
        """Return the seconds to wait after a try; tries are counted from 1."""
        limit = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2.0 ** (number - 1))
        return self._random() * limit
