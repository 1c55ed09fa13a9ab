"""A container of the image, with Lambda's restrictions, under the Runtime Interface Emulator.

https://github.com/aws/aws-lambda-runtime-interface-emulator
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
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
    def start(  # noqa: PLR0913 - the settings of a function, and the limits of its container
        cls,
        image: str,
        *,
        megabytes: int,
        timeout: int,
        variables: Mapping[str, str],
        limit_megabytes: int | None = None,
        cpus: float | None = None,
    ) -> LambdaContainer:
        """Start a container, and wait until its Runtime Interface Emulator answers.

        Args:
            image: the image.
            megabytes: memory of the function, as it is told.
            timeout: of the function, in seconds.
            variables: environment variables.
            limit_megabytes: memory that the container really has; None: as it is told.
            cpus: its share of CPUs; None: all of the machine.
        """
        settings = {
            **variables,
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(megabytes),
            "AWS_LAMBDA_FUNCTION_TIMEOUT": str(timeout),
            "TIMEOUT_SECONDS": str(timeout),
        }
        memory = f"{limit_megabytes or megabytes}m"
        name = docker.docker(
            *("run", "--detach", "--memory", memory, "--memory-swap", memory, *RESTRICTIONS),
            *(() if cpus is None else ("--cpus", f"{cpus:.3f}")),
            *("--publish", "127.0.0.1::8080", "--label", docker.LABEL),
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
            status, _ = self._request("GET", "/", timeout=2)
        except OSError:
            return False
        return status == http.client.NOT_FOUND

    def invoke(self, event: Mapping[str, Any], request_id: str | None = None) -> tuple[int, str]:
        """Invoke the function once. A failed invocation is not tried again.

        Args:
            event: the event.
            request_id: the id of the invocation, which Lambda keeps when it tries an event again;
                None: a new one.

        Returns:
            The HTTP status and the body. The status is 200 even if the handler raises an error or
            times out.
        """
        headers = {} if request_id is None else {"X-Amzn-RequestId": request_id}
        return self._request("POST", _INVOCATIONS, json.dumps(event), headers, timeout=120)

    def kill(self) -> None:
        """End all processes of the container with SIGKILL, and wait until they have ended."""
        docker.docker("kill", self.name)
        docker.docker("wait", self.name)

    def logs(self) -> str:
        """Return the standard output and the standard error of the container."""
        return docker.logs(self.name)

    def remove(self) -> None:
        """Remove the container."""
        docker.docker("rm", "--force", self.name)

    def _request(
        self,
        method: str,
        path: str,
        body: str | None = None,
        headers: Mapping[str, str] = MappingProxyType({}),
        *,
        timeout: float,
    ) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()


StartContainer = Callable[..., LambdaContainer]
"""Starts a container.

Takes `megabytes` and `timeout`, by default those of the template, `limit_megabytes`, and
environment variables.
"""
