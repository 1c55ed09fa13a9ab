"""Measure latency under load: python -m bench.load [--stack NAME].

Without a stack, it starts an AWS emulator and deploys the image there, on this machine alone. Only
`--stack` sends anything to AWS, and that costs money.

Exit codes: 0 all uploads have a dataset, 1 not all, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bench import results
from bench.load.deployed import StackUnderLoad
from bench.load.driving import drive
from bench.load.plan import Plan
from bench.load.report import report
from bench.load.statistics import Summary
from bench.measuring import show_progress
from bench.targets import deployed_stack, require_image
from deploy.smoke.deployed import Deployed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_EMULATED = "pretag-load"
_LIMITS = (
    "The image in an emulator of AWS on this machine: events, functions and S3 share its CPUs, a "
    "stand-in may take the place of AWS's base image, the first uploads meet cold starts, nothing "
    "is throttled, and requests take no way. So the figures show how latency grows with the load, "
    "and not what AWS has."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the report, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.load", description=__doc__)
    parser.add_argument("--image", default="pretag:dev", help="the image to run in the emulator")
    parser.add_argument("--stack", help="a deployed stack, instead of the emulator")
    parser.add_argument("--uploads", type=int, default=20, help="number of uploads for each rate")
    parser.add_argument(
        "--rate", type=float, nargs="+", default=[0.2, 1.0], help="uploads a second, each in turn"
    )
    parser.add_argument("--seconds", type=float, default=300, help="longest time for each rate")
    parser.add_argument("--write", action="store_true", help="write bench/RESULTS.md as well")
    options = parser.parse_args(arguments)
    if options.write and options.stack:
        parser.error("--write is for the emulator: a deployed stack has its own figures")
    try:
        plans = [Plan(options.uploads, rate, options.seconds) for rate in options.rate]
    except ValueError as error:
        parser.error(str(error))
    if options.stack:
        title, text = f"Load, {options.stack}", "The sample clip, in a deployed stack."
        with deployed_stack(options.stack):
            deployed = Deployed.named(options.stack)
            summaries = [measure(deployed, plan, on_aws=True) for plan in plans]
    else:
        title, text = "Load", f"{results.load_of_machine()} {_LIMITS}"
        require_image(options.image)
        with emulated_stack(options.image) as deployed:
            summaries = [measure(deployed, plan, on_aws=False) for plan in plans]
    section = report(title, text, summaries)
    sys.stdout.write(section)
    if options.write:
        results.write_section(section)
    return 1 if any(summary.errors for summary in summaries) else 0


def measure(deployed: Deployed, plan: Plan, *, on_aws: bool) -> Summary:
    """Send one load, wait for its results, and remove them."""
    show_progress(f"{plan.uploads} uploads, {plan.per_second:g} a second")
    target = StackUnderLoad(deployed, counts_throttles=on_aws)
    try:
        uploads = drive(plan, target)
        return Summary.of(plan, uploads, target.served())
    finally:
        target.remove()


@contextmanager
def emulated_stack(image: str) -> Iterator[Deployed]:
    """Deploy an image into an emulator on this machine, which ends with the block.

    In the block, boto3 uses the emulator as its AWS.
    """
    # Imported late: a deployed stack needs neither Docker nor the emulator.
    from tests.e2e import emulator  # noqa: PLC0415
    from tests.e2e.stack import Stack  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder, emulator.run_emulator(Path(folder)) as aws:
        os.environ |= aws.variables
        show_progress("deploying the image into the emulator")
        Stack.deploy(aws, image, _EMULATED)
        yield Deployed.named(_EMULATED)


if __name__ == "__main__":
    sys.exit(main())
