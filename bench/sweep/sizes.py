"""Sizes of memory, and what each gives."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from handler.work_estimate import MEGABYTES_FOR_A_CPU
from pipeline.resources.prices import Rates

if TYPE_CHECKING:
    from collections.abc import Sequence

SIZES = (512, 1024, 1769, 2304, 3008, 3538, 5307, 7076, 10240)
"""Megabytes. 1,769 MB are one CPU, 3,538 MB are two; a new account has at most 3,008 MB."""


def cpus_of(megabytes: int) -> float:
    """Return the share of CPUs that Lambda gives a function of this memory."""
    return megabytes / MEGABYTES_FOR_A_CPU


def sizes_for(cpus: int) -> tuple[int, ...]:
    """Return the sizes that do not need more CPUs than a machine has. Nothing is extrapolated."""
    return tuple(size for size in SIZES if cpus_of(size) <= cpus)


@dataclass(frozen=True)
class Point:
    """What a clip takes with one size.

    Attributes:
        megabytes: the size.
        seconds: of one warm invocation, the median.
        dollars_an_hour: compute for an hour of such video, without requests.
    """

    megabytes: int
    seconds: float
    dollars_an_hour: float

    @classmethod
    def measured(cls, megabytes: int, seconds: float, *, clip_seconds: float) -> Point:
        """Return the point of a clip of this length in seconds, at the prices of prices.py."""
        dollars = seconds * Rates(megabytes).dollars_a_second * 3600 / clip_seconds
        return cls(megabytes, seconds, dollars)

    def beats(self, other: Point) -> bool:
        """Tell whether this one is as fast and as cheap, and better in one of the two."""
        mine, others = ((each.seconds, each.dollars_an_hour) for each in (self, other))
        return mine != others and all(a <= b for a, b in zip(mine, others, strict=True))


def pareto(points: Sequence[Point]) -> list[Point]:
    """Return the points that no other one beats, the smallest size first."""
    best = [each for each in points if not any(other.beats(each) for other in points)]
    return sorted(best, key=lambda each: each.megabytes)


def choice(clips: Sequence[Sequence[Point]]) -> int | None:
    """Return the size with the smallest product of seconds and dollars, over several clips.

    Twice as fast at the same cost counts as much as half the cost at the same speed. The products
    of the clips are multiplied, so each clip counts the same. A size that some clip does not have
    is no choice.

    Returns:
        The size in megabytes; None if no size did all clips.
    """
    products: dict[int, list[float]] = {}
    for points in clips:
        for each in points:
            products.setdefault(each.megabytes, []).append(each.seconds * each.dollars_an_hour)
    complete = {
        size: math.prod(found) for size, found in products.items() if len(found) == len(clips)
    }
    return min(complete, key=lambda size: complete[size], default=None)
