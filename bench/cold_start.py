"""Measure an image's cold start, and print where the time goes.

Prints medians over process starts and container starts, all made in one run.
"""  # noqa: INP001 - started by bench/cold_start

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from bench import results
from tests.e2e import cloud, docker, template
from tests.e2e.cloud import KEY, RESULTS, VIDEOS
from tests.e2e.function import HARD, Function
from tests.support import clips

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tests.e2e.cloud import Cloud

FOLDER = Path(__file__).parent
# The handler may take this much longer to import than what it cannot do without.
TARGET = 1.3
PACKAGES_SHOWN = 14
LEAST_STARTS = 7
FIRST_BYTE = "first byte"
NOTHING_TO_DO: dict[str, Any] = {"Event": "s3:TestEvent"}
ONE_FRAME = {"video": f"s3://{VIDEOS}/{KEY}", "config": {"sampling": {"every_seconds": 60}}}

Rounds = list[dict[str, dict[str, float]]]
"""The moments of a start of each kind, in seconds since it; round by round."""


@dataclass(frozen=True)
class Calls:
    """Seconds of the first and second call of one event, in each of many containers."""

    cold: list[float]
    warm: list[float]


def main() -> None:
    """Measure, print, and write if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("image")
    parser.add_argument("--starts", type=int, default=9)
    parser.add_argument("--write", action="store_true", help="write bench/RESULTS.md as well")
    arguments = parser.parse_args()
    if arguments.starts < LEAST_STARTS:
        parser.error(f"--starts must be at least {LEAST_STARTS}: fewer say little")
    report = measured(arguments.image, arguments.starts)
    sys.stdout.write(report)
    if arguments.write:
        results.write(report)


def measured(image: str, count: int) -> str:
    """Start processes and containers of an image, and return the report."""
    with tempfile.TemporaryDirectory() as folder, cloud.started(Path(folder)) as aws:
        for bucket in (VIDEOS, RESULTS):
            aws.make_bucket(bucket)
        aws.client("s3").upload_file(str(clips.SAMPLE), VIDEOS, KEY)
        rounds = process_starts(image, count, aws)
        idle = container_calls(image, count, aws, NOTHING_TO_DO)
        busy = container_calls(image, count, aws, ONE_FRAME)
    sections = (heading(count), overview(rounds, idle, busy), imports(rounds))
    return "\n".join(sections)


def process_starts(image: str, count: int, aws: Cloud) -> Rounds:
    """Start Python processes in one container."""
    script = (FOLDER / "cold_start_inside.py").read_text()
    output = docker.docker(
        *("run", "--rm", "--memory", f"{template.default('MemoryMegabytes')}m", *HARD),
        *(part for pair in variables(aws).items() for part in ("--env", "=".join(pair))),
        *("--entrypoint", "python3", image, "-c", script, str(count), json.dumps(ONE_FRAME)),
    )
    rounds: Rounds = json.loads(output)
    return rounds


def container_calls(image: str, count: int, aws: Cloud, event: Mapping[str, Any]) -> Calls:
    """Start containers under the Runtime Interface Emulator, and call each twice."""
    calls = Calls([], [])
    for _ in range(count):
        function = Function.start(
            image,
            megabytes=template.default("MemoryMegabytes"),
            timeout=template.default("TimeoutSeconds"),
            variables=variables(aws),
        )
        try:
            calls.cold.append(call_seconds(function, event))
            calls.warm.append(call_seconds(function, event))
        finally:
            function.remove()
    return calls


def call_seconds(function: Function, event: Mapping[str, Any]) -> float:
    """Return how long a call takes, which must succeed."""
    began = time.perf_counter()
    _, body = function.invoke(event)
    seconds = time.perf_counter() - began
    assert "errorType" not in json.loads(body), body  # noqa: S101 - a failure is no measurement
    return seconds


def variables(aws: Cloud) -> dict[str, str]:
    """Return the function's environment."""
    return {**aws.variables, "OUTPUT_BUCKET": RESULTS}


def overview(rounds: Rounds, idle: Calls, busy: Calls) -> str:
    """Return the table of what follows what."""
    # Round by round: the two were neighbours, and had the same neighbours.
    ratio = median(each["handler"]["end"] / each["bare imports"]["end"] for each in rounds)
    verdict = "met" if ratio <= TARGET else "missed"
    bare = "process start to boto3, cv2, onnxruntime, Powertools imported"
    rows = [
        ("process start to an idle interpreter", ended(rounds, "interpreter")),
        (bare, ended(rounds, "bare imports")),
        ("process start to `handler.app` imported", ended(rounds, "handler")),
        ("loading the model, once imported", lasted(rounds, "model")),
        ("first invocation, once imported, to the video's first byte", lasted(rounds, FIRST_BYTE)),
        ("process start to the video's first byte", ended(rounds, FIRST_BYTE)),
        ("INIT: first call less second, of an event that asks for nothing", difference(idle)),
        ("first call less second, of a video: INIT, model, first run", difference(busy)),
        ("second call, of a video: one frame", median(busy.warm)),
    ]
    return (
        f"Importing the handler takes **{ratio:.2f} times** the bare imports "
        f"(target: at most {TARGET}, {verdict}).\n\n" + table(("from, to", "ms"), rows)
    )


def ended(rounds: Rounds, kind: str) -> float:
    """Return the median time from a process's start to its end."""
    return median(each[kind]["end"] for each in rounds)


def lasted(rounds: Rounds, kind: str) -> float:
    """Return the median time from the end of the imports to the end."""
    return median(each[kind]["end"] - each[kind]["imported"] for each in rounds)


def difference(calls: Calls) -> float:
    """Return the median difference between a container's first and second call."""
    return median(cold - warm for cold, warm in zip(calls.cold, calls.warm, strict=True))


def imports(rounds: Rounds) -> str:
    """Return the table of packages by their own import time."""
    bare, handler = own_times(rounds, "own, bare imports"), own_times(rounds, "own, handler")
    further = {name: seconds - bare.get(name, 0.0) for name, seconds in handler.items()}
    ranked = sorted(handler, key=lambda name: -further[name])
    shown, others = ranked[:PACKAGES_SHOWN], ranked[PACKAGES_SHOWN:]
    rows = [(f"`{name}`", handler[name], further[name]) for name in shown]
    for title, names in ((f"{len(others)} others", others), ("all", ranked)):
        rows.append(
            (title, sum(handler[name] for name in names), sum(further[name] for name in names))
        )
    return (
        "Import by import, each package's own time, as `-X importtime` sees it (which slows "
        "imports down), and what of it the bare imports do not have:\n\n"
        + table(("package", "ms", "beyond the bare"), rows)
    )


def own_times(rounds: Rounds, kind: str) -> dict[str, float]:
    """Return each package's median own import time."""
    packages = {name for each in rounds for name in each[kind]}
    return {name: median(each[kind].get(name, 0.0) for each in rounds) for name in packages}


def table(titles: tuple[str, ...], rows: Iterable[tuple[str, *tuple[float, ...]]]) -> str:
    """Return a Markdown table of a name and seconds, shown in milliseconds."""
    return results.table(
        titles, ((name, *(f"{each * 1000:.0f}" for each in seconds)) for name, *seconds in rows)
    )


def heading(count: int) -> str:
    """Return what was measured, on what, and when."""
    engine = docker.docker("info", "--format", "{{.NCPU}} CPUs, Docker {{.ServerVersion}}")
    megabytes = template.default("MemoryMegabytes")
    return (
        "## Cold start\n\n"
        f"Medians of {count} starts. {results.when_and_where()}, {engine}; "
        f"{megabytes} MB, root read-only, all CPUs of the machine.\n"
    )


if __name__ == "__main__":
    main()
