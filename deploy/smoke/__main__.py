"""Test a deployed stack with the sample clip: python -m deploy.smoke pretag-staging.

Exit codes: 0 the stack works, 1 it does not, or it cannot be reached.
"""

from __future__ import annotations

import argparse
import json
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from deploy.smoke import checks
from deploy.smoke.checks import FOLDER, Patience, SmokeError
from deploy.smoke.deployed import Deployed

if TYPE_CHECKING:
    from collections.abc import Sequence

SAMPLES = Path(__file__).parents[2] / "samples"


def known_result(deployed: Deployed) -> Any:  # noqa: ANN401 - JSON
    """Return the COCO file that the sample clip must get in this deployment."""
    uri = deployed.parameters["KnownResult"]
    if not uri:
        return json.loads((SAMPLES / "pedestrians.json").read_bytes())
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return json.loads(boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())


def smoke(deployed: Deployed, patience: Patience) -> None:
    """Run all checks, and print each that passes. What was uploaded is removed, also at an error.

    Raises:
        SmokeError: a check fails.
    """
    folder = f"{deployed.parameters['InputPrefix']}{FOLDER}{uuid.uuid4().hex}/"
    clip, text = f"{folder}pedestrians.mp4", f"{folder}notes.mp4"
    known = known_result(deployed)
    failures = deployed.count_failures()
    _passed(f"events go to the newest version, {checks.check_version(deployed)}")
    try:
        deployed.upload(clip, (SAMPLES / "pedestrians.mp4").read_bytes())
        deployed.upload(text, b"not a video\n")
        run = checks.check_dataset(deployed, clip, known, patience)
        _passed(f"the sample clip has its known result, run {run}")
        checks.check_rejection(deployed, text, patience)
        _passed("a text file named .mp4 is rejected as not_a_video")
        checks.check_metric(deployed, clip, "VideosProcessed", patience)
        checks.check_metric(deployed, text, "VideosRejected", patience)
        _passed("both are counted in the metrics")
        checks.check_failures(deployed, failures)
        _passed(f"no event came into the failure queue, which has {failures}")
    finally:
        for key in (clip, text):
            deployed.remove(key)
    _passed("uploads and results of the test are removed")


def _passed(what: str) -> None:
    sys.stdout.write(f"ok: {what}\n")
    sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Test the stack that the command line names, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m deploy.smoke")
    parser.add_argument("stack", help="name of the stack, such as pretag-staging")
    parser.add_argument("--seconds", type=float, default=180, help="how long a result may take")
    options = parser.parse_args(arguments)
    try:
        smoke(Deployed.named(options.stack), Patience(options.seconds))
    except SmokeError as error:
        sys.stderr.write(f"FAILED: {error}\n")
        return 1
    except (BotoCoreError, ClientError) as error:
        sys.stderr.write(
            f"FAILED: {error}. Check the name of the stack, the region and the permissions of your "
            "credentials: docs/operations.md, Test a deployed stack.\n"
        )
        return 1
    except KeyError as error:
        sys.stderr.write(
            f"FAILED: the stack {options.stack} has no output or parameter {error}, so it was not "
            "made from this template.yaml. Deploy it, or name another stack.\n"
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
