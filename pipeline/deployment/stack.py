"""What a deployed CloudFormation stack says of its buckets and its function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from pipeline.deployment.clients import cloudformation_client, translated_errors
from pipeline.errors import BrokenError


@dataclass(frozen=True)
class Stack:
    """A stack that was made from template.yaml.

    Attributes:
        function: ARN of the alias of its function that gets all events.
        input_bucket: the bucket that it watches.
        input_prefix: its function may read only below this prefix; empty: everything.
        output_bucket: the bucket of results.
        output_prefix: the prefix of results, without a slash at the end.
    """

    function: str
    input_bucket: str
    input_prefix: str
    output_bucket: str
    output_prefix: str

    @classmethod
    def named(cls, name: str) -> Self:
        """Return a deployed stack.

        Raises:
            BrokenError: there is no such stack, it is not one of pretag, or it may not be read.
            RetryableError: CloudFormation failed.
        """
        client = cloudformation_client()
        with translated_errors(f"the stack {name}"):
            (stack,) = client.describe_stacks(StackName=name)["Stacks"]
        outputs = {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}
        parameters = {
            each["ParameterKey"]: each["ParameterValue"] for each in stack.get("Parameters", [])
        }
        try:
            return cls(
                outputs["LiveFunction"],
                outputs["InputBucket"],
                parameters["InputPrefix"],
                outputs["OutputBucket"],
                parameters["OutputPrefix"],
            )
        except KeyError as error:
            raise BrokenError(
                f"The stack {name} has no output or parameter {error}, so it is not a complete "
                "deployment of pretag. Check its name and its state."
            ) from error
