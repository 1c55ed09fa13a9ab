"""The image in containers, each with the CPUs and the memory that Lambda gives its size."""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from bench.sweep.measure import SweepError, check_answer
from bench.sweep.sizes import cpus_of
from tests.e2e import template
from tests.e2e.emulator import RESULTS, VIDEOS
from tests.e2e.lambda_container import LambdaContainer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.e2e.emulator import Emulator

_OK = 200


class Containers:
    """A container for each size."""

    def __init__(self, containers: Mapping[int, LambdaContainer]) -> None:
        """Take running containers, by size in megabytes."""
        self._containers = containers

    def invoke(self, megabytes: int, event: Mapping[str, Any]) -> float:
        """Process an event in the container of a size, and return the seconds until its answer.

        Raises:
            SweepError: the function failed, or its container ended.
        """
        started = time.perf_counter()
        try:
            status, body = self._containers[megabytes].invoke(event)
        except OSError as error:
            raise SweepError(f"the container does not answer: {error}") from error
        seconds = time.perf_counter() - started
        check_answer(body if status == _OK else f"HTTP {status}: {body}")
        return seconds


@contextmanager
def containers_of(image: str, aws: Emulator, sizes: Sequence[int]) -> Iterator[Containers]:
    """Start a container of an image for each size. They are removed after the block."""
    variables = {**aws.variables, "OUTPUT_BUCKET": RESULTS, "INPUT_BUCKETS": VIDEOS}
    with ExitStack() as stack:
        started: dict[int, LambdaContainer] = {}
        for size in sizes:
            started[size] = LambdaContainer.start(
                image,
                megabytes=size,
                timeout=template.default_of("TimeoutSeconds"),
                variables=variables,
                cpus=cpus_of(size),
            )
            stack.callback(started[size].remove)
        yield Containers(started)
