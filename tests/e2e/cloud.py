"""An AWS of our own: ministack, which runs Lambda images on the Docker engine.

https://github.com/ministackorg/ministack. It plays S3, Lambda, SQS, CloudFormation, EventBridge and
CloudWatch Logs; it does not enforce IAM policies.
"""

import json
import os
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

from tests.e2e import docker, template
from tests.e2e.waiting import until

COMMAND = template.ROOT / ".tools" / "emulator" / "bin" / "ministack"
REGION = "eu-central-1"
# What the sample events name, and a bucket for the results.
VIDEOS, KEY, RESULTS = "pretag-videos", "incoming/pedestrians.mp4", "pretag-results"


@dataclass(frozen=True)
class Cloud:
    """A running emulator."""

    url: str

    @property
    def variables(self) -> dict[str, str]:
        """What a process must have in its environment to talk to it."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
        }

    def client(self, service: str) -> Any:  # noqa: ANN401 - one of many types, by name
        """Return a boto3 client for a service of it."""
        session = boto3.session.Session("test", "test", region_name=REGION)
        return session.client(service, endpoint_url=self.url)  # type: ignore[call-overload]

    def make_bucket(self, name: str) -> None:
        """Make an empty bucket, unless it is there."""
        where = {"LocationConstraint": REGION}
        self.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration=where)

    def tree(self, bucket: str, prefix: str = "") -> dict[str, bytes]:
        """Return all objects below a prefix, by their keys without it."""
        s3 = self.client("s3")
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return {
            each["Key"].removeprefix(prefix): s3.get_object(Bucket=bucket, Key=each["Key"])[
                "Body"
            ].read()
            for page in pages
            for each in page.get("Contents", [])
        }

    def read_json(self, bucket: str, key: str) -> dict[str, Any] | None:
        """Return an object's content; None if there is no such object."""
        try:
            body = self.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        except ClientError as error:
            assert error.response["Error"]["Code"] == "NoSuchKey", error  # noqa: PT017 - else: not there
            return None
        content: dict[str, Any] = json.loads(body)
        return content


@contextmanager
def started(folder: Path) -> Iterator[Cloud]:
    """Run an emulator, its log and whatever it writes in a folder.

    It listens on the Docker bridge's address: this machine and the containers reach it by the same
    URL, and nothing else does.
    """
    host = docker.gateway()
    cloud = Cloud(f"http://{host}:{_free_port(host)}")
    for name in ("NO_PROXY", "no_proxy"):
        os.environ[name] = ",".join(filter(None, (os.environ.get(name), host)))
    log = folder / "ministack.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [COMMAND], cwd=folder, env=_environment(cloud, host), stdout=output, stderr=output
        )
        try:
            until(lambda: _healthy(cloud, process, log), "ministack")
            yield cloud
        finally:
            process.terminate()  # it then removes its containers
            process.wait(60)


def _environment(cloud: Cloud, host: str) -> dict[str, str]:
    megabytes = template.default("MemoryMegabytes")
    return {
        **os.environ,
        **cloud.variables,
        "GATEWAY_PORT": cloud.url.rpartition(":")[2],
        "BIND_HOST": host,
        "MINISTACK_HOST": host,
        "LAMBDA_EXECUTOR": "docker",
        "LAMBDA_STRICT": "1",
        "LAMBDA_ASYNC_RETRY_BASE_SECONDS": "0.2",  # AWS waits a minute, then two
        "LAMBDA_DOCKER_FLAGS": f"--read-only --tmpfs /tmp:size=512m -m {megabytes}m",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
    }


def _free_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def _healthy(cloud: Cloud, process: subprocess.Popen[bytes], log: Path) -> bool | None:
    assert process.poll() is None, f"ministack ended: {log.read_text()[-2000:]}"
    try:
        with urllib.request.urlopen(f"{cloud.url}/_ministack/health", timeout=2) as response:  # noqa: S310 - our own
            return response.status == HTTPStatus.OK or None
    except (urllib.error.URLError, TimeoutError):
        return None
