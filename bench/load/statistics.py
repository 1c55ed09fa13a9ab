"""Figures of a load: percentiles of latency, errors and cost."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.load.driving import Upload
    from bench.load.plan import Plan


def percentile(values: Sequence[float], percent: float) -> float:
    """Return a percentile by the nearest rank: the smallest value that so many are not above.

    Of fewer than 100 values, the 99th percentile is the largest.

    Args:
        values: in any order; at least one.
        percent: above 0, at most 100.
    """
    rank = math.ceil(percent / 100 * len(values))
    return sorted(values)[rank - 1]


@dataclass(frozen=True)
class Served:
    """What a target says of a load, besides the endings.

    Attributes:
        failures: events that came into the failure queue.
        throttles: invocations that Lambda refused, and tried again; None: nobody counted.
        dollars: the estimated cost of all runs, as their manifests have it.
    """

    failures: int
    throttles: int | None
    dollars: float


@dataclass(frozen=True)
class Summary:
    """The figures of a load.

    Attributes:
        plan: what was sent.
        latencies: seconds from upload to manifest, of the uploads that have one.
        rejected: number of uploads that were rejected.
        missing: number of uploads without an ending when measuring ended, or that were not sent.
        latest_seconds: the longest time that an upload was sent behind its time.
        seconds: from the first upload to the last ending that was seen.
        served: what the target says.
    """

    plan: Plan
    latencies: tuple[float, ...]
    rejected: int
    missing: int
    latest_seconds: float
    seconds: float
    served: Served

    @classmethod
    def of(cls, plan: Plan, uploads: Sequence[Upload], served: Served) -> Summary:
        """Return the figures of uploads."""
        done = [each for each in uploads if each.ending == "done" and each.ended is not None]
        rejected = sum(each.ending == "rejected" for each in uploads)
        return cls(
            plan=plan,
            latencies=tuple(each.ended - each.sent for each in done if each.ended is not None),
            rejected=rejected,
            missing=plan.uploads - len(done) - rejected,
            latest_seconds=max((each.late for each in uploads), default=0.0),
            seconds=max((each.ended for each in uploads if each.ended is not None), default=0.0),
            served=served,
        )

    @property
    def errors(self) -> int:
        """Uploads without a dataset. All are of the same good clip, so a rejection is one too."""
        return self.rejected + self.missing
