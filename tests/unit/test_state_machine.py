"""The definition of the state machine of long videos: what it asks for, and what it tries again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from handler.commands import _COMMANDS
from handler.executions import _REMOVE
from pipeline import errors
from tests.support.cloudformation import RESOURCES, TEMPLATE
from tests.support.state_machine import DEFINITION, LEFTOVERS

SHARDS = DEFINITION["States"]["Shards"]
TASKS: dict[str, dict[str, Any]] = {
    **SHARDS["ItemProcessor"]["States"],
    "Finish": DEFINITION["States"]["Finish"],
    "Remove": DEFINITION["States"]["Remove"],
}


def retriers(name: str, error: str) -> Iterator[dict[str, Any]]:
    """Yield what is tried again after an error, the first of which counts."""
    for each in TASKS[name]["Retry"]:
        if {error, "States.ALL"} & set(each["ErrorEquals"]):
            yield each


def attempts(name: str, error: str) -> int:
    found = next(retriers(name, error), None)
    return 1 if found is None else 1 + int(found["MaxAttempts"])


def test_each_command_is_one_that_the_function_knows() -> None:
    sent = {task["Parameters"]["Payload"]["pretag"]["command"] for task in TASKS.values()}
    last = LEFTOVERS["States"]["Leftovers"]
    assert sent | {last["Parameters"]["Payload"]["pretag"]["command"]} == set(_COMMANDS) - {"index"}


def test_an_execution_works_on_shards_unless_its_input_says_that_it_removes() -> None:
    start = DEFINITION["States"][DEFINITION["StartAt"]]
    assert start["Default"] == "Shards"
    (choice,) = start["Choices"]
    assert choice == {"Variable": f"$.{_REMOVE}", "IsPresent": True, "Next": "Remove"}


def test_leftovers_are_removed_when_no_redrive_can_come_and_the_plan_is_still_there() -> None:
    wait = LEFTOVERS["States"][LEFTOVERS["StartAt"]]
    kept = RESOURCES["FailureQueue"]["Properties"]["MessageRetentionPeriod"]
    assert kept < wait["Seconds"]
    assert wait["Seconds"] < 86_400 * TEMPLATE["Parameters"]["WorkRetentionDays"]["MinValue"]
    task = LEFTOVERS["States"][wait["Next"]]
    assert task["Parameters"]["FunctionName"] == "${Function}"
    substituted = RESOURCES["LongVideoLeftovers"]["Properties"]["DefinitionSubstitutions"]
    assert substituted["Function"] == {"Ref": "Live"}


def test_each_task_invokes_the_version_that_the_execution_names() -> None:
    for task in TASKS.values():
        assert task["Resource"] == "arn:${Partition}:states:::lambda:invoke"
        assert task["Parameters"]["FunctionName.$"] == "$.function"
        longest = TEMPLATE["Parameters"]["TimeoutSeconds"]["MaxValue"]
        assert task["TimeoutSeconds"] > longest  # the function ends first, and says why
    substituted = RESOURCES["LongVideos"]["Properties"]["DefinitionSubstitutions"]
    assert substituted == {"Partition": {"Ref": "AWS::Partition"}}


def test_shards_are_worked_on_side_by_side_within_a_bound() -> None:
    assert SHARDS["ItemProcessor"]["ProcessorConfig"] == {
        "Mode": "DISTRIBUTED",
        "ExecutionType": "STANDARD",  # those of the other type end after 5 minutes
    }
    assert SHARDS["MaxConcurrencyPath"] == "$.concurrency"
    assert SHARDS["Next"] == "Finish"


@pytest.mark.parametrize("name", ["Work", "Finish"])
def test_what_a_service_does_is_tried_again_and_what_a_person_must_repair_is_not(name: str) -> None:
    assert attempts(name, errors.RetryableError.__name__) >= 3
    for error in (errors.BrokenError, errors.ConfigError):
        assert attempts(name, error.__name__) == 1
    assert attempts(name, "Lambda.TooManyRequestsException") > 30
    assert attempts(name, "KeyError") >= 3


def test_each_error_that_is_named_is_one_of_ours_or_of_aws() -> None:
    named = {
        error
        for task in TASKS.values()
        for rule in (*task["Retry"], *task.get("Catch", []))
        for error in rule["ErrorEquals"]
    }
    ours = {error for error in named if "." not in error}
    assert all(issubclass(getattr(errors, error), errors.PretagError) for error in ours)
    starts = {error.partition(".")[0] for error in named - ours}
    assert starts == {"Lambda", "Runtime", "Sandbox", "States"}


def test_pauses_grow_and_differ() -> None:
    for name in ("Lambda.TooManyRequestsException", "RetryableError", "KeyError"):
        found = next(retriers("Work", name))
        assert found["BackoffRate"] >= 2
        assert found["JitterStrategy"] == "FULL"


def test_a_shard_whose_process_died_three_times_is_told_as_crashed() -> None:
    (catch,) = TASKS["Work"]["Catch"]
    assert catch["Next"] == "Crashed"
    for error in catch["ErrorEquals"]:
        assert attempts("Work", error) == 3


def test_outputs_are_dropped_because_a_map_keeps_256_kib_of_them() -> None:
    assert TASKS["Work"]["OutputPath"] is None
    assert TASKS["Crashed"]["OutputPath"] is None
    assert SHARDS["ResultPath"] is None
