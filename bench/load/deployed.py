"""A deployed stack as the target of a load."""

from __future__ import annotations

import re
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import boto3

from bench.load.statistics import Served
from tests.support.clips import SAMPLE

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.load.driving import Ending
    from deploy.smoke.deployed import Deployed

_FOLDER = "pretag-load/"
_IMAGES = "/images/"
_ENDINGS: dict[str, Ending] = {"manifest.json": "done", "rejection.json": "rejected"}
_METRIC_SECONDS, _METRIC_PAUSE_SECONDS = 300.0, 15.0
"""CloudWatch has the metrics of an invocation some minutes after it."""


class StackUnderLoad:
    """Uploads the sample clip into a folder of its own, and sees the results there."""

    def __init__(
        self,
        deployed: Deployed,
        *,
        counts_throttles: bool,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Prepare; nothing is uploaded.

        Args:
            deployed: the stack.
            counts_throttles: whether its CloudWatch has the metrics of Lambda.
            clock: returns seconds.
            sleep: waits for a number of seconds.
        """
        self._deployed = deployed
        self._counts_throttles = counts_throttles
        self._clock, self._sleep = clock, sleep
        self._folder = f"{deployed.parameters['InputPrefix']}{_FOLDER}{uuid.uuid4().hex}/"
        self._prefix = f"{deployed.parameters['OutputPrefix']}/{self._folder}"
        self._clip = SAMPLE.read_bytes()
        self._s3 = boto3.client("s3")
        self._keys: list[str] = []
        self._failures = deployed.count_failures()
        self._start = datetime.now(UTC)

    def upload(self, number: int) -> None:
        """Put the sample clip under the key of a number."""
        key = f"{self._folder}{number:04}.mp4"
        self._keys.append(key)
        self._deployed.upload(key, self._clip)

    def endings(self) -> dict[int, Ending]:
        """Return the ending of each upload that has one."""
        found: dict[int, Ending] = {}
        for key in self._listed():
            path, _, name = key.removeprefix(self._prefix).rpartition("/")
            number = re.match(r"([0-9]{4})\.mp4/", path)
            if name in _ENDINGS and number is not None:
                found[int(number[1])] = _ENDINGS[name]
        return found

    def served(self) -> Served:
        """Return failures, throttles and cost. Waits some minutes for CloudWatch."""
        manifests = [key for key in self._listed() if key.endswith("/manifest.json")]
        figures = [self._deployed.read_json(key)["figures"] for key in manifests]
        return Served(
            failures=self._deployed.count_failures() - self._failures,
            throttles=self._throttles() if self._counts_throttles else None,
            dollars=sum(each["dollars"] or 0.0 for each in figures),
        )

    def remove(self) -> None:
        """Remove all uploads and their results."""
        for key in self._keys:
            self._deployed.remove(key)

    def _listed(self) -> list[str]:
        """Return the keys of all results but the images: some ten for each."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._deployed.outputs["OutputBucket"], Prefix=self._prefix, Delimiter=_IMAGES
        )
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def _throttles(self) -> int | None:
        """Return Lambda's count; None if CloudWatch does not have all invocations in time."""
        end = self._clock() + _METRIC_SECONDS
        while self._metric("Invocations") < len(self._keys):
            if self._clock() >= end:
                return None
            self._sleep(_METRIC_PAUSE_SECONDS)
        return self._metric("Throttles")

    def _metric(self, name: str) -> int:
        answer = boto3.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName=name,
            Dimensions=[{"Name": "FunctionName", "Value": self._deployed.outputs["Function"]}],
            StartTime=self._start,
            EndTime=datetime.now(UTC) + timedelta(minutes=1),
            Period=60,
            Statistics=["Sum"],
        )
        return int(sum(point["Sum"] for point in answer["Datapoints"]))
