"""The image as Lambda runs it, under the Runtime Interface Emulator.

https://github.com/aws/aws-lambda-runtime-interface-emulator
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.e2e import docker
from tests.e2e.waiting import until

# What Lambda gives a function: a read-only root, /tmp, and a user of no rights. On arm64 it also
# hides the CPUs that ONNX Runtime asks for: https://github.com/microsoft/onnxruntime/issues/10038
HARD = (
    "--read-only",
    *("--tmpfs", "/tmp:size=512m"),  # noqa: S108 - the container's own
    *("--user", "993:990"),
    *("--mount", "type=tmpfs,destination=/sys/devices/system/cpu,tmpfs-size=4k"),
)
_INVOCATIONS = "/2015-03-31/functions/function/invocations"


@dataclass(frozen=True)
class Function:
    """A running container that answers invocations, one at a time."""

    container: str
    port: int

    @classmethod
    def start(
        cls, image: str, *, megabytes: int, timeout: int, variables: Mapping[str, str]
    ) -> Function:
        """Start a container, and wait for its emulator."""
        settings = {
            **variables,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(megabytes),
            "AWS_LAMBDA_FUNCTION_TIMEOUT": str(timeout),
        }
        memory = f"{megabytes}m"
        container = docker.docker(
            *("run", "--detach", "--memory", memory, "--memory-swap", memory, *HARD),
            *("--publish", "127.0.0.1::8080"),
            *(part for name, value in settings.items() for part in ("--env", f"{name}={value}")),
            image,
        )
        address = docker.docker("port", container, "8080/tcp")
        function = cls(container, int(address.rpartition(":")[2]))
        until(function.answers, "the Runtime Interface Emulator")
        return function

    def answers(self) -> bool | None:
        """Tell whether the emulator is up; Docker's proxy takes connections before it is."""
        try:
            status, _ = self._request("GET", "/", None, timeout=2)
        except OSError:
            return None
        return status == http.client.NOT_FOUND or None

    def invoke(self, event: Mapping[str, Any]) -> tuple[int, str]:
        """Invoke the function once; never again, for a failure is an answer too.

        Returns:
            The status, which is 200 for a handler's errors and time-outs as well, and the body.
        """
        return self._request("POST", _INVOCATIONS, json.dumps(event), timeout=120)

    def logs(self) -> str:
        """Return all that the function has printed."""
        return docker.logs(self.container)

    def remove(self) -> None:
        """Remove the container."""
        docker.docker("rm", "--force", self.container)

    def _request(self, method: str, path: str, body: str | None, timeout: float) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()


StartFunction = Callable[..., Function]
"""Starts a function; takes `megabytes` and `timeout`, which are the template's by default."""
