"""Versions of the function and the alias `live`, in a stack that is deployed again and again.

The emulator has no CodeDeploy, and moves the alias at once. So the check, which CodeDeploy would
wait for, is called by the tests: with the versions that these deployments published, in containers.
"""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.functions.check import app
from tests.e2e import docker, planted_images, template
from tests.e2e.emulator import Emulator
from tests.e2e.stack import Stack
from tests.support import clips

STACK = "pretag-versions"

Problems = Callable[[], list[str]]


@pytest.fixture(scope="module")
def stack(image: str, aws: Emulator) -> Stack:
    return Stack.deploy(aws, image, STACK, InputPrefix="incoming/")


def versions(stack: Stack) -> list[dict[str, Any]]:
    """Return all versions of the function but $LATEST, the oldest first."""
    answer = stack.aws.client("lambda").list_versions_by_function(
        FunctionName=stack.outputs["Function"]
    )
    return [each for each in answer["Versions"] if each["Version"] != "$LATEST"]


def live(stack: Stack) -> str:
    """Return the number of the version that gets events."""
    alias = stack.aws.client("lambda").get_alias(
        FunctionName=stack.outputs["Function"], Name="live"
    )
    return str(alias["FunctionVersion"])


def test_every_way_in_leads_to_the_alias(stack: Stack) -> None:
    arn = stack.outputs["LiveFunction"]
    assert arn.endswith(":live")
    bucket = stack.outputs["InputBucket"]
    notification = stack.aws.client("s3").get_bucket_notification_configuration(Bucket=bucket)
    (target,) = notification["LambdaFunctionConfigurations"]
    assert target["LambdaFunctionArn"] == arn
    client = stack.aws.client("lambda")
    redrive = client.get_event_source_mapping(UUID=stack.outputs["Redrive"])
    assert redrive["FunctionArn"] == arn
    policy = client.get_policy(FunctionName=arn)["Policy"]
    assert f'"{arn}"' in policy
    retries = client.get_function_event_invoke_config(FunctionName=arn)
    assert (
        retries["DestinationConfig"]["OnFailure"]["Destination"]
        .rpartition(":")[2]
        .startswith(f"{STACK}-FailureQueue")
    )


def test_a_changed_parameter_publishes_a_version_if_it_changes_the_function(
    stack: Stack, image: str, aws: Emulator
) -> None:
    before = versions(stack)
    Stack.deploy(aws, image, STACK, InputPrefix="incoming/", RejectionsPerHour="9")
    assert versions(stack) == before
    Stack.deploy(aws, image, STACK, InputPrefix="incoming/", TimeoutSeconds="600")
    *earlier, newest = versions(stack)
    assert earlier == before  # kept as it was, with its settings
    assert newest["Timeout"] == 600
    assert earlier[-1]["Timeout"] == template.default_of("TimeoutSeconds")
    assert live(stack) == newest["Version"] == stack.outputs["Version"]


def test_going_back_to_earlier_settings_publishes_a_version_too(
    stack: Stack, image: str, aws: Emulator
) -> None:
    before = versions(stack)
    Stack.deploy(aws, image, STACK, InputPrefix="incoming/")
    *earlier, newest = versions(stack)
    assert earlier == before
    assert newest["Timeout"] == template.default_of("TimeoutSeconds")
    assert live(stack) == newest["Version"]


def test_the_alias_goes_back_to_an_earlier_version(stack: Stack) -> None:
    """As docs/operations.md, Roll back, says."""
    client = stack.aws.client("lambda")
    name, number = stack.outputs["Function"], versions(stack)[0]["Version"]
    client.update_alias(FunctionName=name, Name="live", FunctionVersion=number)
    key = "incoming/after-roll-back.mp4"
    stack.put(key, clips.SAMPLE.read_bytes())
    assert "frames.csv" in stack.dataset(key)
    client.update_alias(FunctionName=name, Name="live", FunctionVersion=stack.outputs["Version"])


@pytest.fixture
def problems(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Problems]:
    """Return a function that checks the newest version as the deployed check does."""

    def check() -> list[str]:
        for name, value in {
            **stack.aws.variables,
            "NEW_VERSION": f"{stack.outputs['LiveFunction'].rpartition(':')[0]}"
            f":{stack.outputs['Version']}",
            "INPUT_BUCKET": stack.outputs["InputBucket"],
            "INPUT_PREFIX": "incoming/",
            "OUTPUT_BUCKET": stack.outputs["OutputBucket"],
            "OUTPUT_PREFIX": "pretag",
        }.items():
            monkeypatch.setenv(name, value)
        return app.find_problems(seconds=20)

    yield check
    assert stack.results("incoming/pretag-check") == {}
    listing = stack.aws.client("s3").list_objects_v2(
        Bucket=stack.outputs["InputBucket"], Prefix="incoming/pretag-check/"
    )
    assert listing["KeyCount"] == 0


def test_a_good_version_may_get_events(problems: Problems) -> None:
    assert problems() == []


@pytest.fixture(params=planted_images.FAULTS)
def fault(request: pytest.FixtureRequest, stack: Stack, image: str, aws: Emulator) -> Iterator[str]:
    """Deploy an image with a planted fault, and the good one after the test; return the fault."""
    bad = planted_images.build(image, request.param)
    Stack.deploy(aws, bad, stack.name, InputPrefix="incoming/")
    yield request.param
    Stack.deploy(aws, image, stack.name, InputPrefix="incoming/")
    docker.docker("rmi", "--force", bad)


def test_a_planted_bad_image_gets_no_events(fault: str, problems: Problems) -> None:
    words = {
        "raises": "It raises RuntimeError: planted",
        "wrong-boxes": "of the known result is missing",
        "slow": "It is too slow",
    }
    assert words[fault] in problems()[0]


def test_the_smoke_test_passes(stack: Stack) -> None:
    result = smoke(stack)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.count("ok: ") == 6
    assert stack.results("incoming/pretag-smoke") == {}


def test_the_smoke_test_fails_if_events_go_to_an_earlier_version(stack: Stack) -> None:
    client = stack.aws.client("lambda")
    name = stack.outputs["Function"]
    client.update_alias(FunctionName=name, Name="live", FunctionVersion="1")
    result = smoke(stack)
    client.update_alias(FunctionName=name, Name="live", FunctionVersion=stack.outputs["Version"])
    assert result.returncode != 0
    assert "FAILED: Events go to version 1" in result.stderr


def smoke(stack: Stack) -> subprocess.CompletedProcess[str]:
    """Run `make smoke`, as a person does."""
    return subprocess.run(
        ["make", "smoke", f"STACK={stack.name}"],  # noqa: S607 - from PATH
        cwd=Path(template.ROOT),
        env=stack.environment,
        capture_output=True,
        text=True,
        check=False,
    )
