"""An AWS emulator: ministack, which runs Lambda images on the Docker engine.

https://github.com/ministackorg/ministack. It emulates S3, Lambda, SQS, CloudFormation, EventBridge,
Step Functions and CloudWatch Logs. It does not enforce IAM policies.
"""

import json
import os
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote

import boto3
from botocore.exceptions import ClientError

from pipeline.storage.s3.attempts import WORK_PREFIX
from tests.e2e import docker, template
from tests.e2e.waiting import wait_for

COMMAND = template.ROOT / ".tools" / "emulator" / "bin" / "ministack"
LOG_NAME = "ministack.log"
REGION = "eu-central-1"
# The bucket and the key in the sample events, and a bucket for results.
VIDEOS, KEY, RESULTS = "pretag-videos", "incoming/pedestrians.mp4", "pretag-results"


@dataclass(frozen=True)
class Emulator:
    """A running emulator."""

    url: str

    @property
    def variables(self) -> dict[str, str]:
        """Environment variables with which a process uses the emulator as its AWS."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
        }

    def client(self, service: str) -> Any:  # noqa: ANN401 - each service has its own type
        """Return a boto3 client for a service of the emulator."""
        return _client(self.url, service)

    def make_bucket(self, name: str) -> None:
        """Make an empty bucket, unless it exists."""
        location = {"LocationConstraint": REGION}
        self.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration=location)

    def upload(self, key: str, data: bytes) -> dict[str, Any]:
        """Put an object into the bucket of the sample events, and return its event."""
        self.client("s3").put_object(Bucket=VIDEOS, Key=key, Body=data)
        event: dict[str, Any] = json.loads((template.ROOT / "events" / "s3-put.json").read_text())
        event["Records"][0]["s3"]["object"]["key"] = form_encoded(key)
        return event

    def empty_bucket(self, name: str) -> None:
        """Remove all objects of a bucket without versions."""
        for key in self.tree(name):
            self.client("s3").delete_object(Bucket=name, Key=key)

    def queue_of_events(self, name: str, pattern: Mapping[str, Any]) -> str:
        """Make a queue that gets the events of the default bus that match; return its URL."""
        sqs, events = self.client("sqs"), self.client("events")
        url: str = sqs.create_queue(QueueName=name)["QueueUrl"]
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        target = {"Id": "queue", "Arn": attributes["Attributes"]["QueueArn"]}
        events.put_rule(Name=name, EventPattern=json.dumps(pattern))
        events.put_targets(Rule=name, Targets=[target])
        return url

    def messages(self, queue_url: str) -> list[dict[str, Any]]:
        """Return the JSON messages in a queue, at most ten, and leave them there."""
        response = self.client("sqs").receive_message(
            QueueUrl=queue_url, MaxNumberOfMessages=10, VisibilityTimeout=0
        )
        return [json.loads(message["Body"]) for message in response.get("Messages", [])]

    def let_a_minute_pass(self, bucket: str) -> None:
        """Let all attempts have begun a minute earlier: Lambda tries again after a minute."""
        for path, data in self.tree(bucket, f"{WORK_PREFIX}runs/").items():
            if "/attempts/" in path:
                registration = json.loads(data)
                registration["started"] -= 60
                body = json.dumps(registration).encode()
                key = f"{WORK_PREFIX}runs/{path}"
                self.client("s3").put_object(Bucket=bucket, Key=key, Body=body)

    def tree(self, bucket: str, prefix: str = "") -> dict[str, bytes]:
        """Return the content of all objects below a prefix, by key without the prefix."""
        s3 = self.client("s3")
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
        return {
            key.removeprefix(prefix): s3.get_object(Bucket=bucket, Key=key)["Body"].read()
            for key in keys
        }

    def read_json(self, bucket: str, key: str) -> dict[str, Any] | None:
        """Return the content of a JSON object in S3; None if it does not exist."""
        try:
            body = self.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        except ClientError as error:
            assert error.response["Error"]["Code"] == "NoSuchKey", error  # noqa: PT017 - other errors
            return None
        content: dict[str, Any] = json.loads(body)
        return content


def form_encoded(key: str) -> str:
    """Return a key form-encoded, as it is in S3's notifications."""
    return quote(key, safe="/").replace("%20", "+")


@cache  # making one takes a tenth of a second
def _client(url: str, service: str) -> Any:  # noqa: ANN401 - each service has its own type
    session = boto3.session.Session("test", "test", region_name=REGION)
    return session.client(service, endpoint_url=url)  # type: ignore[call-overload]


@contextmanager
def run_emulator(folder: Path) -> Iterator[Emulator]:
    """Run an emulator in the block. Its log and all files that it writes go to the folder.

    It listens on the address of the Docker bridge, so this machine and the containers reach it by
    the same URL, and other machines do not reach it.
    """
    host = docker.bridge_address()
    emulator = Emulator(f"http://{host}:{_free_port(host)}")
    for name in ("NO_PROXY", "no_proxy"):
        os.environ[name] = ",".join(filter(None, (os.environ.get(name), host)))
    log = folder / LOG_NAME
    with log.open("wb") as output:
        process = subprocess.Popen(
            [COMMAND], cwd=folder, env=_environment(emulator, host), stdout=output, stderr=output
        )
        try:
            wait_for(lambda: _is_healthy(emulator, process, log), "ministack")
            yield emulator
        finally:
            process.terminate()  # ministack then removes its containers
            process.wait(60)


def _environment(emulator: Emulator, host: str) -> dict[str, str]:
    megabytes = template.default_of("MemoryMegabytes")
    return {
        **os.environ,
        **emulator.variables,
        "GATEWAY_PORT": emulator.url.rpartition(":")[2],
        "BIND_HOST": host,
        "MINISTACK_HOST": host,
        "LAMBDA_EXECUTOR": "docker",
        "LAMBDA_STRICT": "1",
        "LAMBDA_ASYNC_RETRY_BASE_SECONDS": "0.2",  # AWS waits a minute, then two
        "SFN_WAIT_SCALE": "0.05",  # of what the state machine waits before it tries again
        "LAMBDA_DOCKER_FLAGS": f"--read-only --tmpfs /tmp:size=512m -m {megabytes}m",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
    }


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def _is_healthy(emulator: Emulator, process: subprocess.Popen[bytes], log: Path) -> bool:
    assert process.poll() is None, f"ministack ended: {log.read_text()[-2000:]}"
    try:
        with urllib.request.urlopen(f"{emulator.url}/_ministack/health", timeout=2) as response:  # noqa: S310 - http
            return bool(response.status == HTTPStatus.OK)
    except (urllib.error.URLError, TimeoutError):
        return False
