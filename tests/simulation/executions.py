"""Step Functions in a simulated world: executions of the state machine of long videos.

An execution starts an invocation for each shard, all at once; then the one that finishes. It tries
each again as statemachine/long-video.asl.json says: three attempts, none after a `BrokenError`.
What is left of one that failed is removed at any time, and not only two weeks later.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from pipeline.errors import BrokenError, RetryableError
from pipeline.resources.capacity import Capacity
from tests.simulation.s3_model import Fault

if TYPE_CHECKING:
    from tests.simulation.world import World

_LAST_STEPS = ("finish", "remove")
STATE_MACHINE = "arn:aws:states:eu-central-1:123456789012:stateMachine:long-videos"


@dataclass
class Execution:
    """One execution.

    Attributes:
        name: its name.
        given: its input.
        status: `RUNNING`, `SUCCEEDED` or `FAILED`.
        outcome: what its last step returned; None if it has not succeeded.
        working: numbers of the shards that are worked on.
    """

    name: str
    given: dict[str, Any]
    status: str = "RUNNING"
    outcome: dict[str, Any] | None = None
    working: set[int] = field(default_factory=set)

    @property
    def message(self) -> dict[str, Any]:
        """What the failure queue gets if it fails."""
        detail = {"name": self.name, "status": self.status, "input": json.dumps(self.given)}
        return {"source": "aws.states", "detail": detail}


@dataclass
class Command:
    """An invocation by an execution, with up to three attempts. The world treats it as a delivery.

    Attributes:
        execution: the execution.
        name: `work`, `crashed`, `finish`, `remove`, or `leftovers`, after the execution failed.
        shard: the shard; None for all but the first two.
        request_id: of the last attempt.
        attempts: number of attempts that began.
    """

    execution: Execution
    name: str
    shard: int | None = None
    request_id: str = ""
    attempts: int = 0

    @property
    def message(self) -> dict[str, Any]:
        """The event that the function gets."""
        execution = self.execution
        more = {"event": execution.given["event"]} if self.shard is None else {"shard": self.shard}
        common = {"command": self.name, "run": execution.given["run"], "execution": execution.name}
        return {"pretag": {**common, **more}}

    @property
    def version(self) -> str:
        """The version of pretag that the execution pinned."""
        return str(self.execution.given["function"]).split(":")[1]

    @property
    def capacity(self) -> Capacity:
        """The capacity of this version."""
        _, _, megabytes = str(self.execution.given["function"]).split(":")
        return Capacity(int(megabytes), 900)

    @property
    def is_direct(self) -> bool:
        """Whether a person named the video."""
        return "video" in self.execution.given["event"]

    @property
    def key(self) -> str:
        """The key of the video."""
        event = self.execution.given["event"]
        if self.is_direct:
            return str(event["video"]).split("/", 3)[3]
        return str(event["Records"][0]["s3"]["object"]["key"])


@dataclass
class StepFunctions:
    """The two requests that the handler makes, and what follows from them."""

    world: World
    executions: dict[str, Execution] = field(default_factory=dict)

    # -- Requests ------------------------------------------------------------------------------

    def describe_execution(self, *, executionArn: str) -> dict[str, Any]:  # noqa: N803 - as boto3
        """Return the status of an execution."""
        _raise(self.world.step("describe"))
        found = self.executions.get(executionArn.rpartition(":")[2])
        if found is None:
            raise _error("ExecutionDoesNotExist", 400)
        return {"status": found.status, "input": json.dumps(found.given)}

    def start_execution(
        self,
        *,
        stateMachineArn: str,  # noqa: ARG002, N803 - as boto3
        name: str,
        input: str,  # noqa: A002 - as boto3
    ) -> None:
        """Start an execution, unless there is one of this name."""
        fault = self.world.step("start")
        _raise(fault)
        found = self.executions.get(name)
        given = json.loads(input)
        if found is not None and (found.status != "RUNNING" or found.given != given):
            raise _error("ExecutionAlreadyExists", 400)
        if found is None:
            execution = self.executions[name] = Execution(name, given, working={*given["shards"]})
            if "remove" in given:
                self.world.invoke(Command(execution, "remove"))
            else:
                for shard in given["shards"]:
                    self.world.invoke(Command(execution, "work", shard))
                self._finish_if_done(execution)
        if fault is Fault.ANSWER_LOST:
            raise ReadTimeoutError(endpoint_url="states")

    # -- What an invocation comes to -----------------------------------------------------------

    def succeed(self, command: Command, summary: dict[str, Any]) -> None:
        """Go on after an invocation."""
        execution = command.execution
        if execution.status != "RUNNING":
            return
        if command.name in _LAST_STEPS:
            execution.status, execution.outcome = "SUCCEEDED", summary
            self.world.ended(execution)
            return
        execution.working.discard(-1 if command.shard is None else command.shard)
        self._finish_if_done(execution)

    def fail(self, command: Command, error: Exception | None) -> None:
        """Try an invocation again, or let the execution fail.

        Args:
            command: the invocation.
            error: what it raised; None: its process died.
        """
        execution = command.execution
        if execution.status != "RUNNING" and command.name != "leftovers":
            return
        is_last = command.name in _LAST_STEPS
        most = 100 if is_last and isinstance(error, RetryableError) else 3
        if command.attempts < most and not isinstance(error, BrokenError):
            self.world.now += 60
            self.world.invoke(command)
        elif error is None and command.name == "work":
            self.world.invoke(Command(execution, "crashed", command.shard))
        elif command.name == "leftovers":  # it is tried for days
            self.world.leftovers.append(Command(execution, "leftovers"))
        else:
            execution.status = "FAILED"
            self.world.ended(execution)
            self.world.leave(Command(execution, "leftovers"))

    def _finish_if_done(self, execution: Execution) -> None:
        if not execution.working:
            self.world.invoke(Command(execution, "finish"))


def _raise(fault: Fault | None) -> None:
    if fault is Fault.UNAVAILABLE:
        raise _error("ServiceUnavailable", 503)
    if fault is Fault.THROTTLED:
        raise _error("ThrottlingException", 400)
    if fault is Fault.RESET:
        raise EndpointConnectionError(endpoint_url="states")


def _error(code: str, status: int) -> ClientError:
    response: Any = {
        "Error": {"Code": code, "Message": code},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(response, "StepFunctions")
