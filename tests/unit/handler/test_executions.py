"""Which execution works on a run, and what the answers of Step Functions mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from handler import executions
from pipeline.errors import BrokenError, PretagError, RetryableError
from tests.support.emulated_aws import emulated_aws
from tests.support.lambda_function import REGION
from tests.support.state_machine import ARN, StateMachine

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[StateMachine]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    executions.step_functions_client.cache_clear()
    with emulated_aws():
        yield StateMachine.create()
    executions.step_functions_client.cache_clear()


def start(given: dict[str, Any], failed: str | None = None) -> tuple[str, bool]:
    return executions.start(ARN, "run", lambda: given, failed)


def test_one_execution_of_a_run_works_at_a_time(machine: StateMachine) -> None:
    assert start({"shards": [0, 1]}) == ("run-1", True)
    assert start({"shards": [1]}) == ("run-1", False)
    machine.fail("run-1")
    assert start({"shards": [1]}, failed="run-1") == ("run-2", True)
    assert machine.given("run-2") == {"shards": [1]}
    assert machine.working() == ["run-2"]


def test_of_two_starts_at_once_one_is_refused_and_both_are_content(
    machine: StateMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    start({"shards": [0, 1]})
    monkeypatch.setattr(executions, "_status", lambda *_: None)
    assert start({"shards": [1]}) == ("run-1", False)
    assert machine.given("run-1") == {"shards": [0, 1]}


def test_an_execution_and_a_removal_never_work_at_once(machine: StateMachine) -> None:
    start({"shards": [0]})
    assert executions.start_removal(ARN, "run", {"shards": []}) is None
    machine.fail("run-1")
    assert executions.start_removal(ARN, "run", {"shards": []}) == "run-2"
    with pytest.raises(RetryableError, match="run-2 removes what is left"):
        start({"shards": [0]})
    machine.fail("run-2")
    assert start({"shards": [0]}) == ("run-3", True)


def test_who_loses_against_a_removal_by_a_moment_is_tried_again(
    machine: StateMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    executions.start_removal(ARN, "run", {"shards": []})
    monkeypatch.setattr(executions, "_status", lambda *_: None)
    with pytest.raises(RetryableError, match="run-1 removes what is left"):
        start({"shards": [0]})
    assert machine.working() == ["run-1"]


def test_an_input_is_read_when_the_number_of_the_execution_is_known(machine: StateMachine) -> None:
    start({"shards": [0]})
    machine.fail("run-1")

    def given() -> dict[str, Any]:  # meanwhile a removal takes the number, and ends
        executions.start_removal(ARN, "run", {"shards": []})
        machine.fail("run-2")
        return {"shards": [0]}

    with pytest.raises(RetryableError, match="run-2 removes"):
        executions.start(ARN, "run", given, None)


def test_a_run_that_fails_a_hundred_times_is_broken(
    machine: StateMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executions, "_status", lambda *_: "FAILED")
    with pytest.raises(BrokenError, match="100 executions of run"):
        start({})
    assert machine.working() == []


def answer(code: str, status: int) -> ClientError:
    response: Any = {
        "Error": {"Code": code, "Message": "why"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(response, "StartExecution")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (answer("ThrottlingException", 400), RetryableError),
        (answer("ExecutionLimitExceeded", 400), RetryableError),
        (answer("InternalServerError", 500), RetryableError),
        (EndpointConnectionError(endpoint_url="states"), RetryableError),
        (answer("AccessDeniedException", 400), BrokenError),
        (answer("StateMachineDoesNotExist", 400), BrokenError),
    ],
)
def test_errors_of_step_functions_are_told_apart(
    error: Exception, kind: type[PretagError], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object) -> None:
        raise error

    monkeypatch.setattr(executions, "_start", fail)
    with pytest.raises(kind):
        start({})
