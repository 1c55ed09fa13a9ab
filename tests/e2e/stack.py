"""The template, deployed: one CloudFormation stack and what a person does with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.e2e import template
from tests.e2e.cloud import Cloud
from tests.e2e.waiting import until


@dataclass(frozen=True)
class Stack:
    """A deployed stack, known by its outputs."""

    aws: Cloud
    outputs: Mapping[str, str]

    @classmethod
    def deploy(cls, aws: Cloud, built: Path, name: str, **parameters: str) -> Stack:
        """Deploy what `sam build` made of the template."""
        formation = aws.client("cloudformation")
        formation.create_stack(
            StackName=name,
            TemplateBody=built.read_text(),
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
            Parameters=[
                {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
            ],
        )

        def finished() -> dict[str, Any] | None:
            (stack,) = formation.describe_stacks(StackName=name)["Stacks"]
            return None if stack["StackStatus"].endswith("_IN_PROGRESS") else stack

        stack = until(finished, f"stack {name}")
        assert stack["StackStatus"] == "CREATE_COMPLETE", stack
        outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
        return cls(aws, outputs)

    def put(self, key: str, data: bytes) -> None:
        """Put an object into the input bucket."""
        self.aws.client("s3").put_object(Bucket=self.outputs["InputBucket"], Key=key, Body=data)

    def notification(self, key: str) -> dict[str, Any]:
        """Return the event that S3 sent for the latest version of an object."""
        bucket = self.outputs["InputBucket"]
        head = self.aws.client("s3").head_object(Bucket=bucket, Key=key)
        event: dict[str, Any] = json.loads((template.ROOT / "events" / "s3-put.json").read_text())
        event["Records"][0]["s3"] |= {
            "bucket": {"name": bucket},
            "object": {
                "key": as_notified(key),
                "eTag": head["ETag"].strip('"'),
                "versionId": head["VersionId"],
            },
        }
        return event

    def invoke(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Invoke the function, and return its answer."""
        answer = self.aws.client("lambda").invoke(
            FunctionName=self.outputs["Function"], Payload=json.dumps(event)
        )
        body: dict[str, Any] = json.loads(answer["Payload"].read())
        return body

    def results(self, key: str) -> dict[str, bytes]:
        """Return all that lies below a video's place in the output bucket."""
        return self.aws.tree(self.outputs["OutputBucket"], f"pretag/{key}/")

    def latest(self, key: str) -> dict[str, Any] | None:
        """Return a video's `latest.json`; None if it is not there."""
        return self.aws.read_json(self.outputs["OutputBucket"], f"pretag/{key}/latest.json")

    def dataset(self, key: str) -> dict[str, bytes]:
        """Wait for a video's dataset, and return the files of its latest run."""
        latest = until(lambda: self.latest(key), f"{key}/latest.json")
        run = f"{latest['run_id']}/"
        files = self.results(key)
        return {path.removeprefix(run): files[path] for path in files if path.startswith(run)}

    def log(self) -> str:
        """Return what the function has logged."""
        pages = self.aws.client("logs").get_paginator("filter_log_events")
        return "\n".join(
            event["message"].strip()
            for page in pages.paginate(logGroupName=self.outputs["LogGroup"])
            for event in page["events"]
        )

    def outcomes(self) -> list[dict[str, Any]]:
        """Return the log's line for each job that was worked on."""
        lines = [line for line in self.log().splitlines() if '"message":"Worked"' in line]
        return [json.loads(line)["outcome"] for line in lines]

    def waiting_failures(self) -> list[dict[str, Any]]:
        """Return the failure queue's messages, and leave them there."""
        answer = self.aws.client("sqs").receive_message(
            QueueUrl=self.outputs["FailureQueue"], MaxNumberOfMessages=10, VisibilityTimeout=0
        )
        return [json.loads(message["Body"]) for message in answer.get("Messages", [])]

    def count_failures(self) -> int:
        """Return how many messages the failure queue holds, those in work included."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self.aws.client("sqs").get_queue_attributes(
            QueueUrl=self.outputs["FailureQueue"], AttributeNames=names
        )
        return sum(int(answer["Attributes"][name]) for name in names)

    def set_variables(self, **variables: str) -> dict[str, str]:
        """Change some of the function's environment variables; return what all were before."""
        client = self.aws.client("lambda")
        name = self.outputs["Function"]
        before: dict[str, str] = client.get_function_configuration(FunctionName=name)[
            "Environment"
        ]["Variables"]
        client.update_function_configuration(
            FunctionName=name, Environment={"Variables": {**before, **variables}}
        )

        def settled() -> bool | None:
            state = client.get_function_configuration(FunctionName=name)
            return state["LastUpdateStatus"] == "Successful" or None

        until(settled, "the function's update")
        return before

    def redrive(self, *, enabled: bool) -> None:
        """Let the function take failures back from the queue, or not."""
        self.aws.client("lambda").update_event_source_mapping(
            UUID=self.outputs["Redrive"], Enabled=enabled
        )


def as_notified(key: str) -> str:
    """Return a key as S3's notifications write it."""
    return quote(key, safe="/").replace("%20", "+")
