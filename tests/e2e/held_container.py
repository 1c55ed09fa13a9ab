"""Stop a container at a chosen request to AWS, as if time stood still for it; then kill it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Condition
from typing import Any

from tests.e2e import docker
from tests.e2e.emulator import Emulator
from tests.e2e.lambda_container import LambdaContainer, StartContainer
from tests.support.faulty_proxy import Answer, Forward, Request, faulty_proxy, http_service

_WAIT_SECONDS = 60


@dataclass(frozen=True)
class Moment:
    """A moment in a run: before or after one request is carried out.

    Attributes:
        name: what the moment is called in the report.
        operation: the request's, such as `PUT`, `COPY` or `PutEvents`; a regular expression.
        path: a regular expression that is found in its path.
        number: which of the requests that match, counted from 1.
        is_after: whether the request is carried out. Its answer never arrives.
    """

    name: str
    operation: str = ".*"
    path: str = ""
    number: int = 1
    is_after: bool = True

    def matches(self, request: Request) -> bool:
        """Tell whether a request is of the kind that this moment counts."""
        is_operation = re.fullmatch(self.operation, request.operation) is not None
        return is_operation and re.search(self.path, request.path) is not None


class _Gate:
    """Forwards requests until the moment has come. Then each request waits."""

    def __init__(self, moment: Moment) -> None:
        self._changed = Condition()
        self._moment: Moment | None = moment
        self._matches = 0
        self._is_held = False
        self._is_over = False

    def exchange(self, request: Request, forward: Forward) -> Answer | None:
        if not self._pass(request, is_after=False):
            return None
        answer = forward(request)
        return answer if self._pass(request, is_after=True) else None

    def wait_for_moment(self) -> None:
        with self._changed:
            has_come = self._changed.wait_for(lambda: self._is_held, _WAIT_SECONDS)
        assert has_come, f"{self._moment} did not come"

    def open(self, until: Moment | None) -> None:
        """Let requests through, until another moment."""
        with self._changed:
            self._moment, self._matches, self._is_held = until, 0, False
            self._changed.notify_all()

    def end(self) -> None:
        """Reset the connections of all requests, as the container is dead."""
        with self._changed:
            self._is_over = True
            self._changed.notify_all()

    def _pass(self, request: Request, *, is_after: bool) -> bool:
        """Wait while the gate is closed; return whether the container still lives."""
        with self._changed:
            self._wait()
            moment = self._moment
            if moment and moment.is_after == is_after and moment.matches(request):
                self._matches += 1
                self._is_held = self._matches == moment.number
                self._changed.notify_all()
                self._wait()
            return not self._is_over

    def _wait(self) -> None:
        self._changed.wait_for(lambda: not self._is_held or self._is_over, _WAIT_SECONDS)


@dataclass(frozen=True)
class HeldContainer:
    """A container whose invocation stands still at a moment."""

    container: LambdaContainer
    invocation: Future[tuple[int, str]]
    gate: _Gate

    def kill(self) -> None:
        """Kill the container. Its invocation has no answer."""
        self.container.kill()
        self.gate.end()
        error = self.invocation.exception(_WAIT_SECONDS)
        assert isinstance(error, OSError), f"The killed invocation answered: {self.invocation}"

    def go_on_until(self, moment: Moment) -> None:
        """Let the invocation go on, and hold it at another moment."""
        self.gate.open(moment)
        self.gate.wait_for_moment()

    def go_on(self) -> tuple[int, str]:
        """Let the invocation go on to its end; return its answer."""
        self.gate.open(None)
        return self.invocation.result(_WAIT_SECONDS)


@contextmanager
def held_at(
    moment: Moment,
    start: StartContainer,
    aws: Emulator,
    event: Mapping[str, Any],
    request_id: str,
    **variables: str,
) -> Iterator[HeldContainer]:
    """Invoke a new container with an event, and hold it at a moment in the block."""
    gate = _Gate(moment)
    with (
        faulty_proxy(http_service(aws.url), gate.exchange, docker.bridge_address()) as url,
        ThreadPoolExecutor(1) as executor,
    ):
        container = start(AWS_ENDPOINT_URL=url, **variables)
        invocation = executor.submit(container.invoke, event, request_id)
        try:
            gate.wait_for_moment()
            yield HeldContainer(container, invocation, gate)
        finally:
            if not invocation.done():
                container.kill()
            gate.end()
