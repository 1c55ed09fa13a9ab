"""A deployed stack, as its users and its operators see it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import boto3

if TYPE_CHECKING:
    from collections.abc import Mapping

_CLOCK_MS = 15 * 60_000
"""How far the clock of this machine can be from that of AWS, which refuses requests beyond it."""


@dataclass(frozen=True)
class Deployed:
    """A deployed stack.

    Attributes:
        outputs: the outputs of the stack, by name.
        parameters: its parameters, by name.
        start_ms: when the test began, in milliseconds since 1970.
    """

    outputs: Mapping[str, str]
    parameters: Mapping[str, str]
    start_ms: int = field(default_factory=lambda: time.time_ns() // 1_000_000)

    @classmethod
    def named(cls, name: str) -> Self:
        """Return the stack of a name.

        Raises:
            botocore.exceptions.ClientError: there is none, or it may not be read.
        """
        (stack,) = boto3.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
        return cls(
            {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])},
            {each["ParameterKey"]: each["ParameterValue"] for each in stack["Parameters"]},
        )

    @property
    def live_version(self) -> str:
        """The number of the version that gets events."""
        functions = boto3.client("lambda")
        name = self.outputs["LiveFunction"]
        return str(functions.get_function_configuration(FunctionName=name)["Version"])

    def uri(self, key: str) -> str:
        """Return the `s3://` URI of an upload."""
        return f"s3://{self.outputs['InputBucket']}/{key}"

    def upload(self, key: str, data: bytes) -> None:
        """Put an object into the input bucket, as a user does."""
        boto3.client("s3").put_object(Bucket=self.outputs["InputBucket"], Key=key, Body=data)

    def results(self, key: str) -> dict[str, str]:
        """Return the keys of all files of an upload in the output bucket, by path below it."""
        prefix = f"{self.parameters['OutputPrefix']}/{key}/"
        pages = boto3.client("s3").get_paginator("list_objects_v2")
        found = pages.paginate(Bucket=self.outputs["OutputBucket"], Prefix=prefix)
        keys = [entry["Key"] for page in found for entry in page.get("Contents", [])]
        return {found_key.removeprefix(prefix): found_key for found_key in keys}

    def read_json(self, key: str) -> Any:  # noqa: ANN401 - any JSON
        """Return the content of a file in the output bucket."""
        answer = boto3.client("s3").get_object(Bucket=self.outputs["OutputBucket"], Key=key)
        return json.loads(answer["Body"].read())

    def metrics(self, key: str) -> list[dict[str, Any]]:
        """Return the metrics that the function emitted for an upload, from its log.

        They are in CloudWatch's graphs some minutes later.
        """
        pages = boto3.client("logs").get_paginator("filter_log_events")
        found = pages.paginate(
            logGroupName=self.outputs["LogGroup"],
            startTime=self.start_ms - _CLOCK_MS,
            filterPattern=f'"_aws" "{"/".join(key.split("/")[-2:])}"',
        )
        blobs = [json.loads(event["message"]) for page in found for event in page["events"]]
        return [blob for blob in blobs if blob.get("video") == self.uri(key)]

    def count_failures(self) -> int:
        """Return how many events are in the failure queue, also those that are being redriven."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = boto3.client("sqs").get_queue_attributes(
            QueueUrl=self.outputs["FailureQueue"], AttributeNames=names
        )
        return sum(int(answer["Attributes"][name]) for name in names)

    def remove(self, key: str) -> None:
        """Remove an upload and its results. A bucket with versions keeps them for some days."""
        s3 = boto3.client("s3")
        s3.delete_object(Bucket=self.outputs["InputBucket"], Key=key)
        for result in self.results(key).values():
            s3.delete_object(Bucket=self.outputs["OutputBucket"], Key=result)
