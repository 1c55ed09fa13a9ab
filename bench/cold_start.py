"""Measure an image's cold start, and print where the time goes.

Prints medians over process starts and container starts, all made in one run.
"""  # noqa: INP001 - started by bench/cold_start

import argparse
import json
import platform
import re
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from tests import clips
from tests.e2e import cloud, docker, template
from tests.e2e.cloud import KEY, RESULTS, VIDEOS, Cloud
from tests.e2e.function import HARD, Function

FOLDER = Path(__file__).parent
# The handler may take this much longer to import than what it cannot do without.
TARGET = 1.3
PACKAGES_SHOWN = 14
LEAST_STARTS = 7
NOTHING_TO_DO: dict[str, Any] = {"Event": "s3:TestEvent"}
ONE_FRAME = {"video": f"s3://{VIDEOS}/{KEY}", "config": {"sampling": {"every_seconds": 60}}}

Starts = dict[str, list[dict[str, float]]]


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
        (FOLDER / "RESULTS.md").write_text(report)


def measured(image: str, count: int) -> str:
    """Start processes and containers of an image, and return the report."""
    with tempfile.TemporaryDirectory() as folder, cloud.started(Path(folder)) as aws:
        for bucket in (VIDEOS, RESULTS):
            aws.make_bucket(bucket)
        aws.client("s3").upload_file(str(clips.SAMPLE), VIDEOS, KEY)
        starts = process_starts(image, count, aws)
        idle = container_calls(image, count, aws, NOTHING_TO_DO)
        busy = container_calls(image, count, aws, ONE_FRAME)
    sections = (heading(count), overview(starts, idle, busy), imports(starts["imports"]))
    return "\n".join(sections)


def process_starts(image: str, count: int, aws: Cloud) -> Starts:
    """Start Python processes in one container."""
    script = (FOLDER / "cold_start_inside.py").read_text()
    output = docker.docker(
        *("run", "--rm", "--memory", f"{template.default('MemoryMegabytes')}m", *HARD),
        *(part for pair in variables(aws).items() for part in ("--env", "=".join(pair))),
        *("--entrypoint", "python3", image, "-c", script, str(count), json.dumps(ONE_FRAME)),
    )
    starts: Starts = json.loads(output)
    return starts


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


def overview(starts: Starts, idle: Calls, busy: Calls) -> str:
    """Return the table of what follows what."""
    ends = {
        name: median(each["end"] for each in starts[name]) for name in starts if name != "imports"
    }
    ratio = ends["handler"] / ends["bare imports"]
    verdict = "met" if ratio <= TARGET else "missed"
    rows = [
        ("process start to an idle interpreter", ends["interpreter"]),
        ("process start to boto3, cv2, onnxruntime, Powertools imported", ends["bare imports"]),
        ("process start to `handler.app` imported", ends["handler"]),
        ("loading the model, once imported", lasted(starts["model"])),
        (
            "first invocation, once imported, to the video's first byte",
            lasted(starts["first byte"]),
        ),
        ("process start to the video's first byte", ends["first byte"]),
        ("INIT: first call less second, of an event that asks for nothing", difference(idle)),
        ("first call less second, of a video: INIT, model, first run", difference(busy)),
        ("second call, of a video: one frame", median(busy.warm)),
    ]
    return (
        f"Importing the handler takes **{ratio:.2f} times** the bare imports "
        f"(target: at most {TARGET}, {verdict}).\n\n" + table("from, to", rows)
    )


def lasted(moments: Iterable[Mapping[str, float]]) -> float:
    """Return the median time from the end of the imports to the end."""
    return median(each["end"] - each["imported"] for each in moments)


def difference(calls: Calls) -> float:
    """Return the median difference between a container's first and second call."""
    return median(cold - warm for cold, warm in zip(calls.cold, calls.warm, strict=True))


def imports(times: list[dict[str, float]]) -> str:
    """Return the table of packages by their own import time."""
    packages = {name for each in times for name in each}
    own = {name: median(each.get(name, 0.0) for each in times) for name in packages}
    ranked = sorted(own.items(), key=lambda item: -item[1])
    rest = sum(seconds for _, seconds in ranked[PACKAGES_SHOWN:])
    rows = [(f"`{name}`", seconds) for name, seconds in ranked[:PACKAGES_SHOWN]]
    rows += [(f"{len(ranked) - PACKAGES_SHOWN} others", rest), ("all", sum(own.values()))]
    return (
        "Import by import, each package's own time, as `-X importtime` sees it (which slows "
        "imports down):\n\n" + table("package", rows)
    )


def table(title: str, rows: Iterable[tuple[str, float]]) -> str:
    """Return a Markdown table of milliseconds."""
    lines = [f"| {title} | ms |", "|---|---:|"]
    lines += [f"| {name} | {seconds * 1000:.0f} |" for name, seconds in rows]
    return "\n".join(lines) + "\n"


def heading(count: int) -> str:
    """Return what was measured, on what, and when."""
    found = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    processor = found[1] if found else platform.machine()
    engine = docker.docker("info", "--format", "{{.NCPU}} CPUs, Docker {{.ServerVersion}}")
    megabytes = template.default("MemoryMegabytes")
    return (
        "# Cold start\n\n"
        f"Medians of {count} starts. {datetime.now(UTC):%Y-%m-%d}, {processor}, {engine}; "
        f"{megabytes} MB, root read-only, all CPUs of the machine.\n"
    )


if __name__ == "__main__":
    main()
