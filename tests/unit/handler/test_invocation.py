"""What the function knows of one invocation."""

from unittest.mock import Mock

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from handler.invocation import Invocation
from pipeline.resources.capacity import Capacity


def context(milliseconds_left: int) -> LambdaContext:
    """Return Lambda's context at a time of an invocation."""
    result = Mock(LambdaContext, aws_request_id="id", memory_limit_in_mb=1024)
    result.get_remaining_time_in_millis.return_value = milliseconds_left
    return result


@pytest.mark.parametrize("milliseconds_left", [899_999, 898_400, 895_100])
def test_the_capacity_does_not_depend_on_how_long_the_start_took(milliseconds_left: int) -> None:
    invocation = Invocation.begin(context(milliseconds_left), timeout_seconds=900)
    assert invocation.capacity == Capacity(megabytes=1024, seconds=900)
    assert invocation.deadline.seconds_left() <= milliseconds_left / 1000


def test_without_a_time_out_the_capacity_is_the_time_that_is_left() -> None:
    invocation = Invocation.begin(context(59_200), timeout_seconds=None)
    assert invocation.capacity == Capacity(megabytes=1024, seconds=60)


@pytest.mark.parametrize(("milliseconds_left", "is_whole"), [(895_000, True), (500_000, False)])
def test_a_video_after_others_does_not_have_the_whole_time(
    milliseconds_left: int, *, is_whole: bool
) -> None:
    invocation = Invocation.begin(context(milliseconds_left), timeout_seconds=900)
    assert invocation.budget().is_whole is is_whole
