"""Start the state machine of long videos, so that each run is worked on by one execution at a time.

The name of an execution holds the run and a number. Step Functions refuses a name that had another
input or has ended, for 90 days, so starting twice is harmless:
https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html

Some executions remove what is left of a run that failed. They take the next number of the same
names, so an execution starts either before a removal or after its end.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from pipeline.errors import BrokenError, RetryableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pipeline.errors import PretagError

_WORKING = {"RUNNING", "PENDING_REDRIVE"}
_MOST_EXECUTIONS = 100
_REMOVE = "remove"  # in the input of an execution that removes: see statemachine/
_SERVER_ERROR = 500
_NO_EXECUTION, _EXISTS = "ExecutionDoesNotExist", "ExecutionAlreadyExists"
_RETRYABLE = {"ThrottlingException", "ServiceUnavailable", "ExecutionLimitExceeded"}


@cache
def step_functions_client() -> Any:  # noqa: ANN401 - boto3's client; its types are not installed
    """Return the Step Functions client of the process."""
    config = Config(
        connect_timeout=2, read_timeout=10, retries={"mode": "standard", "max_attempts": 5}
    )
    return boto3.client("stepfunctions", config=config)


def start(
    state_machine: str, run: str, given: Callable[[], Mapping[str, Any]], failed: str | None
) -> tuple[str, bool]:
    """Start an execution for a run, unless one works.

    Args:
        state_machine: its ARN.
        run: what the names of the run's executions begin with.
        given: returns the input of a new execution. Called when the name is known. If a removal
            ends after that, the name is taken, so the input is never older than a removal.
        failed: name of an execution that is known to have failed; None if none is.

    Returns:
        The name of the execution that works, and whether it was started now.

    Raises:
        RetryableError: Step Functions throttles, fails, cannot be reached, or does not know yet
            that the execution failed; or one removes what is left of the run.
        BrokenError: Step Functions refuses the request.
    """
    with _answers_of(state_machine):
        name, is_new = _start(state_machine, run, given)
        removes = not is_new and _removes(state_machine, name)
    if removes:
        raise RetryableError(f"{name} removes what is left of the run. It is tried again.")
    if name == failed:  # what it says of executions is a little late
        raise RetryableError(f"Step Functions says that {name} still works. It is tried again.")
    return name, is_new


def start_removal(state_machine: str, run: str, given: Mapping[str, Any]) -> str | None:
    """Start an execution that removes what is left of a run, unless one works.

    Args:
        state_machine: its ARN.
        run: what the names of the run's executions begin with.
        given: its input, without what makes it a removal.

    Returns:
        Its name; None if another execution works.

    Raises:
        PretagError: as `start`.
    """
    with _answers_of(state_machine):
        name, is_new = _start(state_machine, run, lambda: {**given, _REMOVE: True})
    return name if is_new else None


def _start(
    state_machine: str, run: str, given: Callable[[], Mapping[str, Any]]
) -> tuple[str, bool]:
    client = step_functions_client()
    for number in range(1, _MOST_EXECUTIONS + 1):
        name = f"{run}-{number}"
        status = _status(state_machine, name)
        if status in _WORKING:
            return name, False
        if status is None:
            text = json.dumps(given())
            try:
                client.start_execution(stateMachineArn=state_machine, name=name, input=text)
            except ClientError as error:
                if error.response["Error"]["Code"] != _EXISTS:
                    raise
                return name, False  # another attempt was faster
            return name, True
    raise BrokenError(
        f"{_MOST_EXECUTIONS} executions of {run} have failed within 90 days. Look at the last one "
        "in Step Functions, and repair the cause. Then upload the video again."
    )


def _status(state_machine: str, name: str) -> str | None:
    """Return the status of an execution; None if there is none of this name."""
    found = _described(state_machine, name)
    return None if found is None else str(found["status"])


def _removes(state_machine: str, name: str) -> bool:
    """Tell whether an execution removes what is left of a run.

    Raises:
        RetryableError: Step Functions does not know it yet.
    """
    found = _described(state_machine, name)
    if found is None:
        raise RetryableError(f"Step Functions does not know {name} yet. It is tried again.")
    return _REMOVE in json.loads(found["input"])


def _described(state_machine: str, name: str) -> dict[str, Any] | None:
    arn = f"{state_machine.replace(':stateMachine:', ':execution:')}:{name}"
    try:
        answer: dict[str, Any] = step_functions_client().describe_execution(executionArn=arn)
    except ClientError as error:
        if error.response["Error"]["Code"] == _NO_EXECUTION:
            return None
        raise
    return answer


@contextmanager
def _answers_of(state_machine: str) -> Iterator[None]:
    """Raise errors of Step Functions as ours."""
    try:
        yield
    except ClientError as error:
        raise _of_answer(state_machine, error) from error
    except BotoCoreError as error:
        raise RetryableError(
            f"Step Functions could not be reached for {state_machine}: {error}. It is tried again."
        ) from error


def _of_answer(state_machine: str, error: ClientError) -> PretagError:
    code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    if code in _RETRYABLE or status >= _SERVER_ERROR:
        return RetryableError(f"Step Functions failed ({code}: {message}). It is tried again.")
    return BrokenError(
        f"Step Functions refuses to start {state_machine} ({code}: {message}). Check that the "
        "state machine exists, and that the role may use states:StartExecution and "
        "states:DescribeExecution on it; or deploy with LongVideosInShards off."
    )
