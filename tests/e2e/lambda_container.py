"""A container of the image, with Lambda's restrictions, under the Runtime Interface Emulator.

https://github.com/aws/aws-lambda-runtime-interface-emulator
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.e2e import docker
from tests.e2e.waiting import wait_for

# As in Lambda: the root is read-only except for /tmp, and the user has no rights. On arm64, Lambda
# also hides the files about CPUs that ONNX Runtime reads: https://github.com/microsoft/onnxruntime/issues/10038
RESTRICTIONS = (
    "--read-only",
    *("--tmpfs", "/tmp:size=512m"),  # noqa: S108 - inside the container
    *("--user", "993:990"),
    *("--mount", "type=tmpfs,destination=/sys/devices/system/cpu,tmpfs-size=4k"),
)
_INVOCATIONS = "/2015-03-31/functions/function/invocations"


@dataclass(frozen=True)
class LambdaContainer:
    """A running container that processes one invocation at a time."""

    name: str
    port: int

    @classmethod
    def start(
        cls, image: str, *, megabytes: int, timeout: int, variables: Mapping[str, str]
    ) -> LambdaContainer:
        """Start a container, and wait until its Runtime Interface Emulator answers."""
        settings = {
            **variables,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(megabytes),
            "AWS_LAMBDA_FUNCTION_TIMEOUT": str(timeout),
        }
        memory = f"{megabytes}m"
        name = docker.docker(
            *("run", "--detach", "--memory", memory, "--memory-swap", memory, *RESTRICTIONS),
            *("--publish", "127.0.0.1::8080"),
            *(part for name, value in settings.items() for part in ("--env", f"{name}={value}")),
            image,
        )
        address = docker.docker("port", name, "8080/tcp")
        container = cls(name, int(address.rpartition(":")[2]))
        wait_for(container.is_ready, "the Runtime Interface Emulator")
        return container

    def is_ready(self) -> bool:
        """Tell whether the emulator answers. Docker's proxy accepts connections before that."""
        try:
            status, _ = self._request("GET", "/", None, timeout=2)
        except OSError:
            return False
        return status == http.client.NOT_FOUND

    def invoke(self, event: Mapping[str, Any]) -> tuple[int, str]:
        """Invoke the function once. A failed invocation is not tried again.

        Returns:
            The HTTP status and the body. The status is 200 even if the handler raises an error or
            times out.
        """
        return self._request("POST", _INVOCATIONS, json.dumps(event), timeout=120)

    def logs(self) -> str:
        """Return the standard output and the standard error of the container."""
        return docker.logs(self.name)

    def remove(self) -> None:
        """Remove the container."""
        docker.docker("rm", "--force", self.name)

    def _request(self, method: str, path: str, body: str | None, timeout: float) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()


StartContainer = Callable[..., LambdaContainer]
"""Starts a container. Takes `megabytes` and `timeout`; the defaults are those of the template."""
