"""Fixtures of the end-to-end tests: a Docker engine, the image, an AWS emulator, the template."""

import os
from collections.abc import Iterator
from typing import NoReturn

import pytest

from tests.e2e import docker, emulator, template
from tests.e2e.emulator import KEY, RESULTS, VIDEOS, Emulator
from tests.e2e.failure_report import EMULATOR_LOG, pytest_runtest_makereport
from tests.e2e.lambda_container import LambdaContainer, StartContainer
from tests.support import clips

__all__ = ["pytest_runtest_makereport"]  # pytest finds the hook here


def _skip_or_fail(reason: str) -> NoReturn:
    """Skip the tests. In CI they must run, so there it is a failure."""
    if os.environ.get("CI"):
        pytest.fail(f"The end-to-end tests cannot run: {reason}.", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session", autouse=True)
def engine() -> None:
    """Require a Docker engine and the emulator."""
    reason = docker.why_unusable()
    if reason is None and not emulator.COMMAND.exists():
        reason = "the emulator is not installed; make e2e installs it"
    if reason is not None:
        _skip_or_fail(reason)


@pytest.fixture(scope="session")
def image() -> str:
    """Return the name of the image under test."""
    name = os.environ.get("PRETAG_IMAGE", "pretag:dev")
    if not docker.docker("images", "--quiet", name):
        _skip_or_fail(f"there is no image {name}; make image builds it")
    return name


@pytest.fixture(scope="session")
def aws(
    tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[Emulator]:
    """Run an emulator for the session, with the buckets and the video of the sample events."""
    folder = tmp_path_factory.mktemp("ministack")
    pytestconfig.stash[EMULATOR_LOG] = folder / emulator.LOG_NAME
    with emulator.run_emulator(folder) as aws:
        for bucket in (VIDEOS, RESULTS):
            aws.make_bucket(bucket)
        aws.client("s3").upload_file(str(clips.SAMPLE), VIDEOS, KEY)
        yield aws


@pytest.fixture
def start(image: str, aws: Emulator) -> Iterator[StartContainer]:
    """Return a function that starts containers. They are removed after the test."""
    started: list[LambdaContainer] = []

    def start(
        megabytes: int | None = None,
        timeout: int | None = None,
        limit_megabytes: int | None = None,
        **variables: str,
    ) -> LambdaContainer:
        container = LambdaContainer.start(
            image,
            megabytes=megabytes or template.default_of("MemoryMegabytes"),
            timeout=timeout or template.default_of("TimeoutSeconds"),
            variables={
                **aws.variables,
                "OUTPUT_BUCKET": RESULTS,
                "INPUT_BUCKETS": VIDEOS,
                **variables,
            },
            limit_megabytes=limit_megabytes,
        )
        started.append(container)
        return container

    yield start
    for container in started:
        container.remove()
