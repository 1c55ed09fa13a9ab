"""The check of a new version, with moto's S3 and functions that stand in for versions.

tests/e2e/test_check.py runs the same check against versions that are real containers.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError

from deploy.functions.check import app
from deploy.functions.check.clip_run import FOLDER
from tests.e2e.template import ROOT
from tests.support import clips
from tests.support.emulated_aws import emulated_aws

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

VERSION = "arn:aws:lambda:eu-central-1:123456789012:function:pretag:2"
KNOWN: dict[str, Any] = json.loads((ROOT / "samples" / "pedestrians.json").read_bytes())
EVENT = {"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "e-1"}

Answer = tuple[dict[str, Any], dict[str, Any]]


class Versions:
    """Stands in for boto3's client of Lambda: a version is a function from a video to an answer."""

    def __init__(self, s3: S3Client) -> None:
        self.s3 = s3
        self.coco = KNOWN
        self.files = ["manifest.json", "annotations/instances_default.json"]
        self.answer: Callable[[str], Answer] = self.publish

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803
        assert FunctionName == VERSION
        uri = json.loads(Payload)["video"]
        more, body = self.answer(uri)
        return {**more, "Payload": io.BytesIO(json.dumps(body).encode())}

    def publish(self, uri: str) -> Answer:
        """Write a result, as a good version does."""
        key = uri.removeprefix("s3://videos/")
        clip = self.s3.get_object(Bucket="videos", Key=key)["Body"].read()
        assert clip == clips.SAMPLE.read_bytes()
        for path in self.files:
            body = json.dumps(self.coco if path.endswith("default.json") else {})
            self.s3.put_object(Bucket="results", Key=f"pretag/{key}/run/{path}", Body=body)
        return {}, {"videos": [{"status": "done", "result": f"s3://results/pretag/{key}/run"}]}


class CodeDeploy:
    """Stands in for boto3's client of CodeDeploy: notes what it is told."""

    def __init__(self) -> None:
        self.told: list[dict[str, str]] = []

    def put_lifecycle_event_hook_execution_status(self, **told: str) -> None:
        self.told.append(told)


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Client]:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "NEW_VERSION": VERSION,
        "INPUT_BUCKET": "videos",
        "INPUT_PREFIX": "incoming/",
        "OUTPUT_BUCKET": "results",
        "OUTPUT_PREFIX": "pretag",
        "KNOWN_RESULT": "",
    }.items():
        monkeypatch.setenv(name, value)
    with emulated_aws():
        client = boto3.client("s3")
        for bucket in ("videos", "results"):
            client.create_bucket(Bucket=bucket)
        yield client


@pytest.fixture
def versions(s3: S3Client) -> Versions:
    return Versions(s3)


@pytest.fixture
def code_deploy(s3: S3Client, versions: Versions, monkeypatch: pytest.MonkeyPatch) -> CodeDeploy:
    code_deploy = CodeDeploy()
    clients = {"s3": s3, "lambda": versions, "codedeploy": code_deploy}
    monkeypatch.setattr(boto3, "client", lambda service, **_: clients[service])
    return code_deploy


def check(code_deploy: CodeDeploy) -> tuple[str, list[str]]:
    """Run the function as CodeDeploy does; return what CodeDeploy is told, and the problems."""
    problems = app.lambda_handler(EVENT, None)["problems"]
    (told,) = code_deploy.told
    assert told["deploymentId"] == "d-1"
    assert told["lifecycleEventHookExecutionId"] == "e-1"
    return told["status"], problems


def objects(s3: S3Client) -> list[str]:
    listings = [s3.list_objects_v2(Bucket=bucket) for bucket in ("videos", "results")]
    return [entry["Key"] for listing in listings for entry in listing.get("Contents", [])]


def test_a_version_with_the_known_result_gets_events(s3: S3Client, code_deploy: CodeDeploy) -> None:
    assert check(code_deploy) == ("Succeeded", [])
    assert objects(s3) == []


def test_the_clip_has_a_fresh_key_without_a_suffix_below_the_input_prefix(
    versions: Versions, code_deploy: CodeDeploy
) -> None:
    seen: list[str] = []

    def remember(uri: str) -> Answer:
        seen.append(uri)
        return versions.publish(uri)

    versions.answer = remember
    check(code_deploy)
    code_deploy.told.clear()
    check(code_deploy)
    assert len(set(seen)) == 2
    for uri in seen:
        assert uri.startswith(f"s3://videos/incoming/{FOLDER}")
        assert "." not in uri  # a video's suffix would make the live version process it too


def test_a_version_that_raises_gets_no_events(
    s3: S3Client, versions: Versions, code_deploy: CodeDeploy
) -> None:
    error = {"errorType": "BrokenError", "errorMessage": "The model cannot be read."}
    versions.answer = lambda _uri: ({"FunctionError": "Unhandled"}, error)
    status, problems = check(code_deploy)
    assert status == "Failed"
    assert problems == ["It raises BrokenError: The model cannot be read."]
    assert objects(s3) == []


def test_a_version_with_wrong_boxes_gets_no_events(
    s3: S3Client, versions: Versions, code_deploy: CodeDeploy
) -> None:
    moved = [
        {**each, "bbox": [each["bbox"][0] + 1, *each["bbox"][1:]]} for each in KNOWN["annotations"]
    ]
    versions.coco = {**KNOWN, "annotations": moved}
    status, problems = check(code_deploy)
    assert status == "Failed"
    assert len(problems) == 20  # the first ones; the log has their number
    assert objects(s3) == []


def test_a_version_that_is_too_slow_gets_no_events(
    versions: Versions, code_deploy: CodeDeploy
) -> None:
    def time_out(_uri: str) -> Answer:
        raise ReadTimeoutError(endpoint_url="https://lambda")

    versions.answer = time_out
    status, (problem,) = check(code_deploy)
    assert status == "Failed"
    assert problem.startswith("It is too slow")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (
            {"videos": [{"status": "rejected", "reason": "not_a_video"}]},
            "does not process the clip",
        ),
        ({"videos": [], "skipped": []}, "does not process the clip"),
        ({"videos": [{"status": "done", "result": "s3://results/other/run"}]}, "must be below"),
    ],
)
def test_a_version_with_another_answer_gets_no_events(
    versions: Versions, code_deploy: CodeDeploy, body: dict[str, Any], words: str
) -> None:
    versions.answer = lambda _uri: ({}, body)
    status, (problem,) = check(code_deploy)
    assert status == "Failed"
    assert words in problem


@pytest.mark.parametrize("index", [0, 1])
def test_a_version_without_a_complete_result_gets_no_events(
    versions: Versions, code_deploy: CodeDeploy, index: int
) -> None:
    removed = versions.files.pop(index)
    status, (problem,) = check(code_deploy)
    assert status == "Failed"
    assert removed in problem


def test_a_check_that_fails_itself_is_told_as_failed(
    versions: Versions, code_deploy: CodeDeploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_uri: str) -> Answer:
        raise ConnectTimeoutError(endpoint_url="https://lambda")

    versions.answer = fail
    assert check(code_deploy)[0] == "Failed"
    code_deploy.told.clear()
    monkeypatch.delenv("INPUT_BUCKET")
    status, (problem,) = check(code_deploy)
    assert status == "Failed"
    assert problem.startswith("The check itself failed: KeyError")


def test_the_known_result_of_another_configuration_is_read_from_s3(
    s3: S3Client, versions: Versions, code_deploy: CodeDeploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3.create_bucket(Bucket="models")
    own = {**KNOWN, "annotations": KNOWN["annotations"][:10]}
    s3.put_object(Bucket="models", Key="known/clip.json", Body=json.dumps(own))
    monkeypatch.setenv("KNOWN_RESULT", "s3://models/known/clip.json")
    assert check(code_deploy)[0] == "Failed"
    code_deploy.told.clear()
    versions.coco = own
    assert check(code_deploy) == ("Succeeded", [])
