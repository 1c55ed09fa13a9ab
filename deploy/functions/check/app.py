"""Before a new version gets events, run the sample clip through it and tell CodeDeploy the outcome.

CodeDeploy calls this function once in a deployment, and rolls back unless it hears `Succeeded`:
https://docs.aws.amazon.com/codedeploy/latest/userguide/reference-appspec-file-structure-hooks.html
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from .clip_run import CheckError, Places, coco_of
from .comparison import differences

SECONDS = 120
"""How long a version may take for the sample clip of 30 seconds, with its cold start."""

_HERE = Path(__file__).parent
_MOST_TOLD = 20


def lambda_handler(event: dict[str, str], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda's interface
    """Check the version that the environment names, and tell CodeDeploy.

    Every error is a failed check: CodeDeploy would wait an hour for an answer that does not come.

    Returns:
        `problems`, also in the log; empty if the version may get events.
    """
    try:
        problems = find_problems()
    except Exception as error:  # noqa: BLE001 - see above
        problems = [f"The check itself failed: {type(error).__name__}: {error}"]
    told = {"version": os.environ["NEW_VERSION"], "problems": problems[:_MOST_TOLD]}
    print(json.dumps({**told, "count": len(problems)}))  # noqa: T201 - the log
    boto3.client("codedeploy").put_lifecycle_event_hook_execution_status(
        deploymentId=event["DeploymentId"],
        lifecycleEventHookExecutionId=event["LifecycleEventHookExecutionId"],
        status="Failed" if problems else "Succeeded",
    )
    return {"problems": problems[:_MOST_TOLD]}


def find_problems(seconds: float = SECONDS) -> list[str]:
    """Return why the version in the environment must not get events; empty if it may.

    Args:
        seconds: how long it may take.
    """
    places = Places(
        os.environ["INPUT_BUCKET"],
        os.environ["INPUT_PREFIX"],
        os.environ["OUTPUT_BUCKET"],
        os.environ["OUTPUT_PREFIX"],
    )
    s3 = boto3.client("s3")
    patient = Config(connect_timeout=5, read_timeout=seconds, retries={"total_max_attempts": 1})
    functions = boto3.client("lambda", config=patient)
    known = _known_result(s3)
    clip = (_HERE / "pedestrians.mp4").read_bytes()
    try:
        found = coco_of(clip, os.environ["NEW_VERSION"], places, s3, functions)
    except CheckError as error:
        return [str(error)]
    return differences(known, found)


def _known_result(s3: Any) -> Any:  # noqa: ANN401 - boto3's client, JSON
    """Return the known COCO file: that of the variable KNOWN_RESULT, or the one of this folder."""
    uri = os.environ.get("KNOWN_RESULT")
    if not uri:
        return json.loads((_HERE / "pedestrians.json").read_bytes())
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
