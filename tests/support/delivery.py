"""Deliver events to the Lambda handler in processes of their own, as Lambda does."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from handler import app
from pipeline.errors import PretagError
from pipeline.storage.s3.retries import Retries
from tests.support.lambda_function import Context

ATTEMPTS = 3
"""Lambda tries an asynchronous event twice more."""


@dataclass(frozen=True)
class Functions:
    """Running processes, each of which handles one event at a time."""

    executor: ProcessPoolExecutor

    def deliver(self, event: Mapping[str, Any], request_id: str) -> Future[dict[str, Any] | None]:
        """Deliver an event; the result is the video's summary, or None if all attempts failed."""
        return self.executor.submit(_deliver, dict(event), request_id)


@contextmanager
def functions(count: int, variables: Mapping[str, str]) -> Iterator[Functions]:
    """Run processes in the block.

    Args:
        count: number of processes.
        variables: environment variables of the function.
    """
    with ProcessPoolExecutor(
        count, multiprocessing.get_context("spawn"), _prepare, (dict(variables),)
    ) as executor:
        yield Functions(executor)


def _prepare(variables: Mapping[str, str]) -> None:
    os.environ.update(variables)
    # Without pauses between the attempts of a request.
    options = Retries.__init__.__kwdefaults__
    assert options is not None
    options["random"] = lambda: 0.0


def _deliver(event: dict[str, Any], request_id: str) -> dict[str, Any] | None:
    for _ in range(ATTEMPTS):
        try:
            (video,) = app.lambda_handler(event, Context(aws_request_id=request_id))["videos"]
        except PretagError:
            continue
        summary: dict[str, Any] = video
        return summary
    return None
