"""A function runs for at most the given time."""

import threading

import pytest

from pipeline.concurrency.run_within import run_within


def test_the_result_is_returned() -> None:
    assert run_within(lambda: "result", 60) == "result"


def test_an_error_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        run_within(lambda: 1 // 0, 60)


def test_a_function_that_does_not_end_is_left() -> None:
    leave = threading.Event()
    with pytest.raises(TimeoutError):
        run_within(leave.wait, 0.01)
    leave.set()
