"""A CloudFormation stack of the template, deployed in the emulator."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from deploy import to
from tests.e2e import docker, sam, template
from tests.e2e.emulator import Emulator, form_encoded
from tests.e2e.waiting import wait_for

# The emulator knows no identity providers, so one that exists is named.
_OIDC_PROVIDER = "arn:aws:iam::000000000000:oidc-provider/token.actions.githubusercontent.com"


@cache
def bootstrap(aws: Emulator) -> dict[str, str]:
    """Make roles, registries and a bucket for dev, as a person does; return the stack's outputs."""
    subprocess.run(
        [
            *("make", "bootstrap", "ENV=dev", "REPOSITORY=example/pretag", "REGISTRIES=yes"),
            f"OIDC_PROVIDER={_OIDC_PROVIDER}",
        ],
        cwd=template.ROOT,
        env={**os.environ, **aws.variables},
        stdout=2,  # to standard error: whoever deploys has output of their own
        check=True,
    )
    stacks = aws.client("cloudformation").describe_stacks(StackName="pretag-bootstrap-dev")
    return {each["OutputKey"]: each["OutputValue"] for each in stacks["Stacks"][0]["Outputs"]}


@dataclass(frozen=True)
class Stack:
    """A deployed stack.

    Attributes:
        aws: the emulator.
        name: its name.
    """

    aws: Emulator
    name: str

    @classmethod
    def deploy(cls, aws: Emulator, image: str, name: str, **parameters: str) -> Stack:
        """Deploy the template as `make deploy ENV=dev` does, with the real SAM CLI.

        Args:
            aws: the emulator.
            image: the image of the function.
            name: name of the stack. If there is one of this name, it is updated.
            parameters: parameters that differ from those of dev.
        """
        made = bootstrap(aws)
        given = {**to.parameters("dev", image, made), **parameters}
        with TemporaryDirectory() as folder:
            file = Path(folder, "parameters.yaml")
            file.write_text(json.dumps(given))
            arguments = to.sam_arguments("dev", file, image, made)
            own = {
                "--template-file": str(template.write_for_emulator(Path(folder))),
                "--image-repository": made["Registry"],  # not the name of a local image
            }
            for option, value in own.items():
                arguments[arguments.index(option) + 1] = value
            sam.sam(*arguments, "--stack-name", name, variables=aws.variables)
        return cls(aws, name)

    @contextmanager
    def failing_as_the_alias_does(self) -> Iterator[None]:
        """In the block, send uploads to $LATEST, with the alias's retries and failure destination.

        The emulator invokes the version of an alias, but looks for these two at $LATEST only.
        """
        s3, client = self.aws.client("s3"), self.aws.client("lambda")
        function, alias = self.outputs["Function"], self.outputs["LiveFunction"]
        config = client.get_function_event_invoke_config(FunctionName=alias)
        copied = ("MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig")
        client.put_function_event_invoke_config(
            FunctionName=function, **{name: config[name] for name in copied}
        )

        def notify(arn: str) -> None:
            s3.put_bucket_notification_configuration(
                Bucket=self.outputs["InputBucket"],
                NotificationConfiguration={
                    "LambdaFunctionConfigurations": [
                        {"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"]}
                    ]
                },
                SkipDestinationValidation=True,
            )

        notify(alias.removesuffix(":live"))
        try:
            yield
        finally:
            notify(alias)
            client.delete_function_event_invoke_config(FunctionName=function)

    @property
    def outputs(self) -> dict[str, str]:
        """The outputs of the stack, by name."""
        cloudformation = self.aws.client("cloudformation")
        (stack,) = cloudformation.describe_stacks(StackName=self.name)["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a process that uses the emulator as its AWS."""
        return {**os.environ, **self.aws.variables}

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
            FunctionName=self.outputs["LiveFunction"], Payload=json.dumps(event)
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

    def set_redrive(self, *, enabled: bool) -> None:
        """Switch on or off that the function processes the messages of the failure queue."""
        self.aws.client("lambda").update_event_source_mapping(
            UUID=self.outputs["Redrive"], Enabled=enabled
        )
