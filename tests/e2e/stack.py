"""A CloudFormation stack of the template, deployed in the emulator."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e import docker, template
from tests.e2e.emulator import Emulator, form_encoded
from tests.e2e.waiting import wait_for


@dataclass(frozen=True)
class Stack:
    """A deployed stack.

    Attributes:
        aws: the emulator.
        outputs: the outputs of the stack, by name.
    """

    aws: Emulator
    outputs: Mapping[str, str]

    @classmethod
    def deploy(cls, aws: Emulator, built: Path, name: str, **parameters: str) -> Stack:
        """Deploy the template that `sam build` wrote, and wait until the stack is complete."""
        cloudformation = aws.client("cloudformation")
        cloudformation.create_stack(
            StackName=name,
            TemplateBody=json.dumps(template.without_metric_math(template.read_template(built))),
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
            Parameters=[
                {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
            ],
        )

        def finished_stack() -> dict[str, Any] | None:
            (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
            return None if stack["StackStatus"].endswith("_IN_PROGRESS") else stack

        stack = wait_for(finished_stack, f"stack {name}")
        assert stack["StackStatus"] == "CREATE_COMPLETE", stack
        outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        return cls(aws, outputs)

    def put(self, key: str, data: bytes) -> None:
        """Put an object into the input bucket."""
        self.aws.client("s3").put_object(Bucket=self.outputs["InputBucket"], Key=key, Body=data)

    def notification(self, key: str) -> dict[str, Any]:
        """Return the event that S3 sends for the latest version of an object."""
        bucket = self.outputs["InputBucket"]
        head = self.aws.client("s3").head_object(Bucket=bucket, Key=key)
        event: dict[str, Any] = json.loads((template.ROOT / "events" / "s3-put.json").read_text())
        event["Records"][0]["s3"] |= {
            "bucket": {"name": bucket},
            "object": {
                "key": form_encoded(key),
                "eTag": head["ETag"].strip('"'),
                "versionId": head["VersionId"],
            },
        }
        return event

    def invoke(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Invoke the function, and return its response."""
        response = self.aws.client("lambda").invoke(
            FunctionName=self.outputs["Function"], Payload=json.dumps(event)
        )
        body: dict[str, Any] = json.loads(response["Payload"].read())
        return body

    def results(self, key: str) -> dict[str, bytes]:
        """Return all files of a video in the output bucket, by path."""
        return self.aws.tree(self.outputs["OutputBucket"], f"pretag/{key}/")

    def latest(self, key: str) -> dict[str, Any] | None:
        """Return the `latest.json` of a video; None if it does not exist."""
        return self.aws.read_json(self.outputs["OutputBucket"], f"pretag/{key}/latest.json")

    def dataset(self, key: str) -> dict[str, bytes]:
        """Wait for a video's dataset, and return the files of its latest run."""
        latest = wait_for(lambda: self.latest(key), f"{key}/latest.json")
        run = f"{latest['run_id']}/"
        files = self.results(key)
        return {path.removeprefix(run): files[path] for path in files if path.startswith(run)}

    def log(self) -> str:
        """Return what the containers of the emulator's functions wrote.

        The emulator copies a container's log into CloudWatch when the response arrives. It loses
        the lines that reach Docker after that. Docker keeps them all.
        """
        return "\n".join(docker.logs(name) for name in docker.containers("ministack=lambda"))

    def outcomes(self) -> list[dict[str, Any]]:
        """Return the outcome of each job for an object of the input bucket, from the log."""
        message = '"message":"Video processed"'
        lines = [line for line in self.log().splitlines() if message in line]
        outcomes = [json.loads(line)["outcome"] for line in lines]
        bucket = f"s3://{self.outputs['InputBucket']}/"
        return [
            outcome
            for outcome in outcomes
            if (outcome.get("video") or outcome["skipped"]).startswith(bucket)
        ]

    def waiting_failures(self) -> list[dict[str, Any]]:
        """Return the messages in the failure queue, and leave them there."""
        return self.aws.messages(self.outputs["FailureQueue"])

    def count_failures(self) -> int:
        """Return the number of messages in the failure queue, also of those being processed."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        response = self.aws.client("sqs").get_queue_attributes(
            QueueUrl=self.outputs["FailureQueue"], AttributeNames=names
        )
        return sum(int(response["Attributes"][name]) for name in names)

    def set_variables(self, **variables: str) -> dict[str, str]:
        """Set environment variables of the function; return all variables as they were before."""
        client = self.aws.client("lambda")
        name = self.outputs["Function"]
        before: dict[str, str] = client.get_function_configuration(FunctionName=name)[
            "Environment"
        ]["Variables"]
        client.update_function_configuration(
            FunctionName=name, Environment={"Variables": {**before, **variables}}
        )

        def is_updated() -> bool:
            configuration = client.get_function_configuration(FunctionName=name)
            return bool(configuration["LastUpdateStatus"] == "Successful")

        wait_for(is_updated, "the update of the function")
        return before

    def set_redrive(self, *, enabled: bool) -> None:
        """Switch on or off that the function processes the messages of the failure queue."""
        self.aws.client("lambda").update_event_source_mapping(
            UUID=self.outputs["Redrive"], Enabled=enabled
        )
