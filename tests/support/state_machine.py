"""The state machine of long videos, carried out by hand: moto knows its executions and runs none.

The commands are those of statemachine/long-video.asl.json, in its order.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3

from tests.support.lambda_function import REGION, invoke

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_FOLDER = Path(__file__).parents[2] / "statemachine"
DEFINITION: dict[str, Any] = json.loads((_FOLDER / "long-video.asl.json").read_text())
LEFTOVERS: dict[str, Any] = json.loads((_FOLDER / "leftovers.asl.json").read_text())
NAME = "pretag-long-videos"
ARN = f"arn:aws:states:{REGION}:123456789012:stateMachine:{NAME}"
VARIABLES = {
    "LONG_VIDEOS": ARN,
    "AWS_LAMBDA_FUNCTION_NAME": "pretag",
    "AWS_LAMBDA_FUNCTION_VERSION": "7",
    "SHARD_AFTER_SECONDS": "0",
    "PRETAG_SEGMENT__SECONDS": "10",
}
"""Environment variables with which the function divides every video."""


def command(
    name: str, given: Mapping[str, Any], shard: int | None = None, execution: str = "execution-1"
) -> dict[str, Any]:
    """Return a command of the state machine, for an execution with this input and this name."""
    more = {"event": given["event"]} if shard is None else {"shard": shard}
    return {"pretag": {"command": name, "run": given["run"], "execution": execution, **more}}


@dataclass(frozen=True)
class StateMachine:
    """The state machine in moto."""

    client: Any

    @classmethod
    def create(cls) -> StateMachine:
        """Create it."""
        client = boto3.client("stepfunctions")
        role = "arn:aws:iam::123456789012:role/long-videos"
        client.create_state_machine(name=NAME, definition=json.dumps(DEFINITION), roleArn=role)
        return cls(client)

    def working(self) -> list[str]:
        """Return the names of the executions that work."""
        answer = self.client.list_executions(stateMachineArn=ARN, statusFilter="RUNNING")
        return [each["name"] for each in answer["executions"]]

    def given(self, name: str) -> dict[str, Any]:
        """Return the input of an execution."""
        value: dict[str, Any] = json.loads(self._described(name)["input"])
        return value

    def run(
        self, name: str, invoke: Callable[[Mapping[str, Any]], dict[str, Any]] = invoke
    ) -> dict[str, Any]:
        """Carry an execution out; return what its last step returns."""
        given = self.given(name)
        if "remove" in given:
            summary = invoke(command("remove", given, None, name))
            self._end(name)
            return summary
        for shard in given["shards"]:
            invoke(command("work", given, shard, name))
        summary = invoke(command("finish", given, None, name))
        self._end(name)
        return summary

    def fail(self, name: str) -> dict[str, Any]:
        """End an execution; return the event that EventBridge puts into the failure queue."""
        self._end(name)
        return {
            "version": "0",
            "source": "aws.states",
            "detail-type": "Step Functions Execution Status Change",
            "detail": {
                "executionArn": self._arn(name),
                "stateMachineArn": ARN,
                "name": name,
                "status": "ABORTED",
                "input": self._described(name)["input"],
                "inputDetails": {"included": True},
            },
        }

    def _end(self, name: str) -> None:
        self.client.stop_execution(executionArn=self._arn(name))

    def _described(self, name: str) -> dict[str, Any]:
        description: dict[str, Any] = self.client.describe_execution(executionArn=self._arn(name))
        return description

    @staticmethod
    def _arn(name: str) -> str:
        return f"{ARN.replace(':stateMachine:', ':execution:')}:{name}"
