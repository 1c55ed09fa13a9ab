"""Measure the cold start of an image: medians over starts of processes and of containers."""

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
from tests.e2e import docker, emulator, template
from tests.e2e.emulator import KEY, RESULTS, VIDEOS
from tests.e2e.lambda_container import RESTRICTIONS, LambdaContainer
from tests.support import clips

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tests.e2e.emulator import Emulator

# Run inside the image.
SCRIPT = Path(__file__).with_name("cold_start_inside.py")
# Importing the handler takes at most this many times as long as importing its large packages.
LARGEST_RATIO = 1.3
PACKAGES_SHOWN = 14
FEWEST_STARTS = 7
FIRST_BYTE = "first byte"
TEST_EVENT: dict[str, Any] = {"Event": "s3:TestEvent"}
ONE_FRAME = {"video": f"s3://{VIDEOS}/{KEY}", "config": {"sampling": {"every_seconds": 60}}}

Rounds = list[dict[str, dict[str, float]]]
"""For each round and each kind of start: named points in time, in seconds since the start."""


@dataclass(frozen=True)
class Invocations:
    """Seconds of the first (cold) and the second (warm) invocation, in each of many containers."""

    cold: list[float]
    warm: list[float]


def main() -> None:
    """Measure, and print the report; write it with `--write`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("image")
    parser.add_argument("--starts", type=int, default=9)
    parser.add_argument("--write", action="store_true", help="write bench/RESULTS.md as well")
    arguments = parser.parse_args()
    if arguments.starts < FEWEST_STARTS:
        parser.error(
            f"--starts must be at least {FEWEST_STARTS}: the median of fewer is not reliable"
        )
    report = measure(arguments.image, arguments.starts)
    sys.stdout.write(report)
    if arguments.write:
        results.write_section(report)


def measure(image: str, count: int) -> str:
    """Start processes and containers of an image, and return the report."""
    with tempfile.TemporaryDirectory() as folder, emulator.run_emulator(Path(folder)) as aws:
        for bucket in (VIDEOS, RESULTS):
            aws.make_bucket(bucket)
        aws.client("s3").upload_file(str(clips.SAMPLE), VIDEOS, KEY)
        rounds = process_starts(image, count, aws)
        skipped = container_starts(image, count, aws, TEST_EVENT)
        processed = container_starts(image, count, aws, ONE_FRAME)
    sections = (heading(count), overview(rounds, skipped, processed), imports(rounds))
    return "\n".join(sections)


def process_starts(image: str, count: int, aws: Emulator) -> Rounds:
    """Start Python processes in one container."""
    output = docker.docker(
        *("run", "--rm", "--memory", f"{template.default_of('MemoryMegabytes')}m", *RESTRICTIONS),
        *(part for pair in variables(aws).items() for part in ("--env", "=".join(pair))),
        *("--entrypoint", "python3", image),
        *("-c", SCRIPT.read_text(), str(count), json.dumps(ONE_FRAME)),
    )
    rounds: Rounds = json.loads(output)
    return rounds


def container_starts(
    image: str, count: int, aws: Emulator, event: Mapping[str, Any]
) -> Invocations:
    """Start containers under the Runtime Interface Emulator, and invoke each twice."""
    invocations = Invocations([], [])
    for _ in range(count):
        container = LambdaContainer.start(
            image,
            megabytes=template.default_of("MemoryMegabytes"),
            timeout=template.default_of("TimeoutSeconds"),
            variables=variables(aws),
        )
        try:
            invocations.cold.append(invocation_seconds(container, event))
            invocations.warm.append(invocation_seconds(container, event))
        finally:
            container.remove()
    return invocations


def invocation_seconds(container: LambdaContainer, event: Mapping[str, Any]) -> float:
    """Return how long an invocation takes. It must succeed."""
    started = time.perf_counter()
    _, body = container.invoke(event)
    seconds = time.perf_counter() - started
    assert "errorType" not in json.loads(body), body  # noqa: S101 - only successes are measured
    return seconds


def variables(aws: Emulator) -> dict[str, str]:
    """Return the environment variables of the function."""
    return {**aws.variables, "OUTPUT_BUCKET": RESULTS, "INPUT_BUCKETS": VIDEOS}


def overview(rounds: Rounds, skipped: Invocations, processed: Invocations) -> str:
    """Return the table of the steps of a start."""
    # The median of ratios, because the load of the machine is similar within a round.
    ratio = median(starts["handler"]["end"] / starts["bare imports"]["end"] for starts in rounds)
    verdict = results.verdict(is_met=ratio <= LARGEST_RATIO)
    bare = "process start to boto3, cv2, onnxruntime, Powertools imported"
    rows = [
        ("process start to an idle interpreter", until_end(rounds, "interpreter")),
        (bare, until_end(rounds, "bare imports")),
        ("process start to `handler.app` imported", until_end(rounds, "handler")),
        ("loading the model, once imported", after_imports(rounds, "model")),
        (
            "first invocation, once imported, to the video's first byte",
            after_imports(rounds, FIRST_BYTE),
        ),
        ("process start to the video's first byte", until_end(rounds, FIRST_BYTE)),
        ("INIT: first call less second, of an event without a video", difference(skipped)),
        ("first call less second, of a video: INIT, model, first run", difference(processed)),
        ("second call, of a video: one frame", median(processed.warm)),
    ]
    return (
        f"Importing the handler takes **{ratio:.2f} times** the bare imports "
        f"(target: at most {LARGEST_RATIO}, {verdict}).\n\n" + table(("from, to", "ms"), rows)
    )


def until_end(rounds: Rounds, kind: str) -> float:
    """Return the median time from the start of a process to its end."""
    return median(starts[kind]["end"] for starts in rounds)


def after_imports(rounds: Rounds, kind: str) -> float:
    """Return the median time from the end of the imports to the end of the process."""
    return median(starts[kind]["end"] - starts[kind]["imported"] for starts in rounds)


def difference(invocations: Invocations) -> float:
    """Return the median difference between a container's first and second invocation."""
    pairs = zip(invocations.cold, invocations.warm, strict=True)
    return median(cold - warm for cold, warm in pairs)


def imports(rounds: Rounds) -> str:
    """Return the table of import times by package."""
    bare = import_times(rounds, "import times, bare imports")
    handler = import_times(rounds, "import times, handler")
    additional = {name: seconds - bare.get(name, 0.0) for name, seconds in handler.items()}
    ranked = sorted(handler, key=lambda name: -additional[name])
    shown, others = ranked[:PACKAGES_SHOWN], ranked[PACKAGES_SHOWN:]
    rows = [(f"`{name}`", handler[name], additional[name]) for name in shown]
    for title, names in ((f"{len(others)} others", others), ("all", ranked)):
        rows.append(
            (title, sum(handler[name] for name in names), sum(additional[name] for name in names))
        )
    return (
        "The import time of each package without the packages that it imports, measured by "
        "`-X importtime` (which slows imports down), and how much of it the bare imports do not "
        "need:\n\n" + table(("package", "ms", "more than the bare imports"), rows)
    )


def import_times(rounds: Rounds, kind: str) -> dict[str, float]:
    """Return the median import time of each package."""
    packages = {name for starts in rounds for name in starts[kind]}
    return {name: median(starts[kind].get(name, 0.0) for starts in rounds) for name in packages}


def table(titles: tuple[str, ...], rows: Iterable[tuple[str, *tuple[float, ...]]]) -> str:
    """Return a Markdown table of names and times; seconds are shown in milliseconds."""
    return results.table(
        titles, ((name, *(f"{each * 1000:.0f}" for each in seconds)) for name, *seconds in rows)
    )


def heading(count: int) -> str:
    """Return the heading, with the date and the machine."""
    engine = docker.docker("info", "--format", "{{.NCPU}} CPUs, Docker {{.ServerVersion}}")
    megabytes = template.default_of("MemoryMegabytes")
    return (
        "## Cold start\n\n"
        f"Medians of {count} starts. {results.date_and_processor()}, {engine}; "
        f"{megabytes} MB, root read-only, all CPUs of the machine.\n"
    )


if __name__ == "__main__":
    main()
