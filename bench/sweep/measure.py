"""Invoke functions of several sizes in turn, and make points of their seconds."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import count
from statistics import median
from typing import TYPE_CHECKING, Any, Protocol

from bench.measuring import show_progress
from bench.sweep.sizes import Point

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# Beyond the end of all clips, so it changes nothing but the run id: the function does the work
# again, instead of answering that the run is done.
_AFTER_THE_END_SECONDS = 1000


class SweepError(Exception):
    """A size cannot do a clip. The message says why."""


class Functions(Protocol):
    """A function in several sizes."""

    def invoke(self, megabytes: int, event: Mapping[str, Any]) -> float:
        """Process an event with a size, and return the seconds that it took.

        Raises:
            SweepError: the function failed.
        """


def check_answer(body: str) -> None:
    """Check that a function did the one video of its event.

    Raises:
        SweepError: it did not. The message is its own.
    """
    try:
        (video,) = json.loads(body)["videos"]
    except (ValueError, KeyError, TypeError) as error:
        raise SweepError(f"the function failed: {body.strip()[:200]}") from error
    if video["status"] != "done":
        raise SweepError(f"the video ended as {video['status']}: {video.get('message')}")


@dataclass(frozen=True)
class Clip:
    """A clip that the functions can read.

    Attributes:
        name: its name in tables.
        uri: its `s3://` URI.
        seconds: its length.
    """

    name: str
    uri: str
    seconds: float

    def event(self, number: int) -> dict[str, Any]:
        """Return a direct event for a run of its own."""
        end = _AFTER_THE_END_SECONDS + number
        return {"video": self.uri, "config": {"sampling": {"end_seconds": end}}}


@dataclass(frozen=True)
class Swept:
    """What a clip takes with each size.

    Attributes:
        clip: the clip.
        points: of the sizes that did it.
        first_seconds: of the first invocation with each of them, by size. Of the first clip, these
            are those of new processes.
        failures: why others did not, by size.
    """

    clip: Clip
    points: tuple[Point, ...]
    first_seconds: Mapping[int, float]
    failures: Mapping[int, str]


def sweep(
    functions: Functions, clips: Sequence[Clip], sizes: Sequence[int], rounds: int
) -> list[Swept]:
    """Measure each clip with each size: once, which is not counted, and then `rounds` times.

    The sizes take turns, so that a busy moment of the machine affects all of them.
    """
    return [_sweep_clip(functions, clip, sizes, rounds) for clip in clips]


def _sweep_clip(functions: Functions, clip: Clip, sizes: Sequence[int], rounds: int) -> Swept:
    seconds: dict[int, list[float]] = {size: [] for size in sizes}
    failures: dict[int, str] = {}
    run = count(1)
    for number in range(rounds + 1):
        show_progress(f"{clip.name}, round {number} of {rounds}")
        for size in [each for each in sizes if each not in failures]:
            try:
                seconds[size].append(functions.invoke(size, clip.event(next(run))))
            except SweepError as error:
                failures[size] = str(error)
    did = [size for size in sizes if size not in failures]
    return Swept(
        clip,
        points=tuple(
            Point.measured(size, median(seconds[size][1:]), clip_seconds=clip.seconds)
            for size in did
        ),
        first_seconds={size: seconds[size][0] for size in did},
        failures=failures,
    )
