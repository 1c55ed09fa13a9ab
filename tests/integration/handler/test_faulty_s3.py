"""Two deliveries of each event at once, while S3 and the network fail.

The handler runs in two processes. Their requests go over real sockets to a faulty proxy, and from
there to moto. moto checks the condition of a write and writes without a lock, where S3 does both in
one step, so the proxy lets one request through at a time. And moto never answers
409 ConditionalRequestConflict. So requests that overlap inside S3, and 409, are tested in the
simulation alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from random import Random
from threading import Lock
from typing import TYPE_CHECKING, Any

import requests

from pipeline.storage.s3.attempts import WORK_PREFIX
from tests.support import clips
from tests.support.delivery import Functions, functions
from tests.support.faulty_proxy import UNAVAILABLE, Answer, Forward, Request, faulty_proxy
from tests.support.lambda_function import (
    REGION,
    RESULTS,
    VARIABLES,
    put_video,
    result_files,
    visible_files,
)
from tests.support.runs import FILES_WITH_TIMES
from tests.support.visible_results import check_visible, run_folders

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SEEDS = range(6)
# Shares of requests that fail. With the largest one, all ten attempts of a request can fail.
RATES = (0.05, 0.2, 0.6)


class Fault(Enum):
    """What goes wrong with one request."""

    UNAVAILABLE = "503: nothing was done"
    RESET = "the connection is reset: nothing was done"
    ANSWER_LOST = "carried out, and the connection is reset"
    TRUNCATED = "carried out, and the connection is reset in the body of the answer"


@dataclass
class FaultyS3:
    """Answers requests with moto, one at a time, and lets some of them fail.

    After each write, what readers see at that moment is checked.

    Attributes:
        client: reads moto directly.
        random: draws the faults.
        rate: the share of requests that fail.
        faults: number of faults by kind.
        violations: what the checks found.
    """

    client: S3Client
    random: Random = field(default_factory=lambda: Random(0))  # noqa: S311 - no secret
    rate: float = 0.0
    faults: Counter[Fault] = field(default_factory=Counter)
    violations: list[AssertionError] = field(default_factory=list)
    _lock: Any = field(default_factory=Lock)

    def exchange(self, request: Request, forward: Forward) -> Answer | None:
        """Answer a request."""
        with self._lock:
            fault = self._draw()
            if fault is Fault.UNAVAILABLE:
                return UNAVAILABLE
            if fault is Fault.RESET:
                return None
            answer = forward(request)
            self._check(request)
        if fault is Fault.ANSWER_LOST:
            return None
        if fault is Fault.TRUNCATED:
            return replace(answer, sent=len(answer.body) // 2)
        return answer

    def _draw(self) -> Fault | None:
        if self.random.random() >= self.rate:
            return None
        fault = self.random.choice(list(Fault))
        self.faults[fault] += 1
        return fault

    def _check(self, request: Request) -> None:
        if request.method in {"GET", "HEAD"} or request.path.startswith(
            f"/{RESULTS}/{WORK_PREFIX}"
        ):
            return
        try:
            check_visible(result_files(self.client, f"{VARIABLES['OUTPUT_PREFIX']}/"))
        except AssertionError as violation:
            self.violations.append(violation)


def moto(request: Request) -> Answer:
    """Let moto carry out a request. It replaces AWS for the package `requests`."""
    response = requests.request(
        request.method,
        f"https://s3.{REGION}.amazonaws.com{request.target}",
        headers=request.headers,
        data=request.body,
        stream=True,
        timeout=30,
    )
    headers = {name.lower(): value for name, value in response.headers.items()}
    # `requests` fails if it reads the body of HEAD, whose length moto gives.
    body = b"" if request.method == "HEAD" else response.content
    return Answer(response.status_code, headers, body)


@contextmanager
def faulty_s3(client: S3Client) -> Iterator[tuple[FaultyS3, Functions]]:
    """Run two functions behind a faulty proxy in the block."""
    s3 = FaultyS3(client)
    with faulty_proxy(moto, s3.exchange) as url:
        variables = {**VARIABLES, "AWS_ENDPOINT_URL": url, "PRETAG_SAMPLING__EVERY_SECONDS": "1"}
        with functions(2, variables) as both:
            yield s3, both


def data_files(client: S3Client) -> dict[str, bytes]:
    """Return the files of the one visible result, by path, without those that hold times."""
    visible = visible_files(client)
    check_visible(visible)
    (folder,) = run_folders(visible)
    paths = {key: key.removeprefix(f"{folder}/") for key in visible if key.startswith(folder)}
    return {path: visible[key] for key, path in paths.items() if path not in FILES_WITH_TIMES}


def empty_results(client: S3Client) -> None:
    for key in result_files(client):
        client.delete_object(Bucket=RESULTS, Key=key)


def test_two_deliveries_with_faults_make_one_result(s3: S3Client, tmp_path: Path) -> None:
    clip = clips.write_clip(tmp_path / "clip.mp4", clips.textures(4), rate=1).read_bytes()
    event = {"Records": [put_video(s3, "a b.mp4", clip)]}
    with faulty_s3(s3) as (faulty, both):
        both.deliver(event, "undisturbed").result()
        expected = data_files(s3)
        for seed in SEEDS:
            empty_results(s3)
            faulty.random, faulty.rate = Random(seed), RATES[seed % len(RATES)]  # noqa: S311 - no secret
            deliveries = [both.deliver(event, name) for name in ("first", "second")]
            told = [delivery.result() for delivery in deliveries]
            faulty.rate = 0.0
            # What failed three times comes back from the failure queue.
            told += [both.deliver(event, name).result() for name in ("first", "second")]
            endings = [video for video in told if video is not None]
            assert {video["status"] for video in endings} <= {"done", "repeated"}, seed
            assert len({video["result"] for video in endings}) == 1, seed
            assert [video and video["status"] for video in told][-1] == "repeated", seed
            assert faulty.violations == [], seed
            assert data_files(s3) == expected, seed
    assert all(faulty.faults[fault] >= 10 for fault in Fault), faulty.faults
