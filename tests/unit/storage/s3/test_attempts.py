"""Attempts: who has ended, who has died, and how many deaths count."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.resources.capacity import Capacity
from pipeline.storage.s3.attempts import Attempt, count_deaths

FIRST = Attempt("a", "request", started=1000, deadline=1900, capacity=Capacity(1024, 900))


@pytest.mark.parametrize(
    ("other", "now", "has_ended"),
    [
        (replace(FIRST, id="b", request_id="other"), 1901, False),  # clocks differ
        (replace(FIRST, id="b", request_id="other"), 1961, True),
        (replace(FIRST, id="b", started=1001), 1002, False),  # delivered twice at once
        (replace(FIRST, id="b", started=1061), 1062, True),  # tried again
        (replace(FIRST, id="b", started=900), 1062, False),  # this one is the retry
    ],
)
def test_an_attempt_has_ended_after_its_deadline_or_if_its_event_is_tried_again(
    other: Attempt, now: float, *, has_ended: bool
) -> None:
    assert FIRST.has_ended(other, now) is has_ended
    assert FIRST.has_died(other, now) is has_ended


def test_an_attempt_that_failed_has_ended_and_did_not_die() -> None:
    failed = replace(FIRST, has_failed=True)
    other = replace(FIRST, id="b", request_id="other")
    assert failed.has_ended(other, now=1001)
    assert not failed.has_died(other, now=5000)


numbers = st.integers(0, 10**6)
attempts = st.builds(
    Attempt,
    id=st.text(),
    request_id=st.text(),
    started=st.floats(0, 1e10),
    deadline=st.floats(0, 1e10),
    capacity=st.builds(Capacity, numbers, numbers),
    seen=st.none() | st.text(),
    has_failed=st.booleans(),
)


@given(attempts)
def test_a_registration_gives_the_same_attempt(attempt: Attempt) -> None:
    assert Attempt.from_json(attempt.data()) == attempt


@pytest.mark.parametrize(
    ("deaths", "counted"),
    [
        ([], 0),
        ([FIRST], 1),
        ([FIRST, replace(FIRST, started=1005)], 1),  # one event, delivered twice
        ([replace(FIRST, started=1005), FIRST, replace(FIRST, started=1002)], 1),
        ([FIRST, replace(FIRST, started=1061)], 2),
        ([FIRST, replace(FIRST, request_id="other")], 2),
    ],
)
def test_an_event_that_was_delivered_twice_counts_as_one_death(
    deaths: list[Attempt], counted: int
) -> None:
    assert count_deaths(deaths) == counted
