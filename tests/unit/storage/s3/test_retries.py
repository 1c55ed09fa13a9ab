"""The ladder of retries, on a clock that the test moves."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import BrokenError, RetryableError, SupersededError
from pipeline.resources.deadline import Deadline
from pipeline.storage.s3.retries import TRIES, TRY_SECONDS, Retries


class Clock:
    """A clock on which requests and pauses take the time that the test says."""

    def __init__(self, seconds_until_deadline: float) -> None:
        self.now = 0.0
        self.end = seconds_until_deadline
        self.pauses: list[float] = []

    def seconds_left(self) -> float:
        return max(0.0, self.end - self.now)

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def within(self, function: Callable[[], Any], seconds: float) -> Any:  # noqa: ANN401
        before = self.now
        result, error = None, None
        try:
            result = function()
        except Exception as raised:  # noqa: BLE001 - raised below, if it was in time
            error = raised
        if self.now - before > seconds:
            self.now = before + seconds
            raise TimeoutError
        if error is not None:
            raise error
        return result

    def retries(self, random: Callable[[], float] = lambda: 1.0) -> Retries:
        deadline: Any = self
        return Retries(deadline, sleep=self.sleep, random=random, within=self.within)


class Requests:
    """Requests with one outcome after another: an exception, or a result; each takes some time."""

    def __init__(self, clock: Clock, outcomes: list[Any], seconds: float = 0.0) -> None:
        self._clock = clock
        self._outcomes = outcomes
        self._seconds = seconds
        self.made = 0

    def __call__(self) -> Any:  # noqa: ANN401
        outcome = self._outcomes[min(self.made, len(self._outcomes) - 1)]
        self.made += 1
        self._clock.now += self._seconds
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


RESET = ConnectionResetError("reset by peer")


def test_a_request_that_succeeds_is_made_once() -> None:
    clock = Clock(math.inf)
    requests = Requests(clock, ["data"])
    assert clock.retries().call(requests, "s3://b/k", "read") == "data"
    assert (requests.made, clock.pauses) == (1, [])


def test_pauses_double_up_to_the_longest() -> None:
    clock = Clock(math.inf)
    requests = Requests(clock, [RESET])
    with pytest.raises(RetryableError, match="could not be reached for s3://b/k: reset by peer"):
        clock.retries().call(requests, "s3://b/k", "write")
    assert requests.made == TRIES == 10
    assert clock.pauses == pytest.approx([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10, 10])


def test_pauses_are_a_random_share_of_the_limit() -> None:
    clock = Clock(math.inf)
    shares = iter([0.5, 0.0, 0.25])
    requests = Requests(clock, [RESET, RESET, RESET, "data"])
    assert clock.retries(lambda: next(shares)).call(requests, "s3://b/k", "read") == "data"
    assert clock.pauses == pytest.approx([0.05, 0.0, 0.1])


def test_each_retry_is_logged_once_with_its_cause(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock(math.inf)
    causes: list[Any] = [ConnectionResetError("first"), RetryableError("second"), "data"]
    with caplog.at_level(logging.DEBUG):
        clock.retries().call(Requests(clock, causes), "s3://b/k", "read")
    first, second = (record.getMessage() for record in caplog.records)
    assert first == (
        "Try 1 of 10 failed, the next one follows in 0.1 s: S3 could not be reached for "
        "s3://b/k: first. It is tried again."
    )
    assert second == "Try 2 of 10 failed, the next one follows in 0.2 s: second"
    assert {(record.name, record.levelname) for record in caplog.records} == {
        ("pipeline.storage.s3.retries", "WARNING")
    }


@pytest.mark.parametrize("error", [BrokenError("no"), SupersededError("gone"), ValueError("bug")])
def test_other_errors_are_not_tried_again(error: Exception) -> None:
    clock = Clock(math.inf)
    requests = Requests(clock, [error])
    with pytest.raises(type(error)):
        clock.retries().call(requests, "s3://b/k", "read")
    assert requests.made == 1


def test_no_request_is_made_when_no_time_is_left() -> None:
    clock = Clock(0)
    requests = Requests(clock, ["data"])
    with pytest.raises(RetryableError, match="No time is left to reach s3://b/k"):
        clock.retries().call(requests, "s3://b/k", "read")
    assert requests.made == 0


def test_a_request_that_never_ends_is_tried_again() -> None:
    clock = Clock(math.inf)
    requests = Requests(clock, ["late"], seconds=math.inf)
    with pytest.raises(RetryableError, match=r"did not complete .* s3://b/k within 30\.0 s"):
        clock.retries().call(requests, "s3://b/k", "read")
    assert clock.now == pytest.approx(TRIES * TRY_SECONDS + sum(clock.pauses))


@given(
    limit=st.floats(0, 1000),
    seconds=st.floats(0, 100),
    share=st.floats(0, 1, exclude_max=True),
    failures=st.integers(0, 15),
    try_seconds=st.floats(0.1, 100),
)
def test_it_never_goes_beyond_the_deadline_nor_makes_too_many_tries(
    limit: float, seconds: float, share: float, failures: int, try_seconds: float
) -> None:
    clock = Clock(limit)
    requests = Requests(clock, [*[RESET] * failures, "data"], seconds)
    try:
        result = clock.retries(lambda: share).call(
            requests, "s3://b/k", "write", try_seconds=try_seconds
        )
    except RetryableError:
        gave_up = True
    else:
        gave_up = False
        assert result == "data"
    assert clock.now <= limit * (1 + 1e-9)
    assert requests.made <= TRIES
    assert len(clock.pauses) == max(0, requests.made - 1) or clock.now >= limit * (1 - 1e-9)
    if limit > TRIES * (10 + try_seconds):
        assert gave_up == (failures >= TRIES or seconds > try_seconds)


def test_a_real_deadline_ends_the_ladder(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])

    def sleep(seconds: float) -> None:
        now[0] += seconds

    retries = Retries(
        Deadline(at=101.0),
        sleep=sleep,
        random=lambda: 1.0,
        within=lambda function, _seconds: function(),
    )
    requests = Requests(Clock(math.inf), [RESET])
    with pytest.raises(RetryableError):
        retries.call(requests, "s3://b/k", "read")
    assert requests.made == 4  # after 0.1, 0.2 and 0.4 s; another 0.8 s are not left
