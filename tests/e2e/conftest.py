"""What the end-to-end tests run on: a Docker engine, the image, an AWS of our own."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from tests.e2e import cloud, docker, sam, template
from tests.e2e.cloud import KEY, RESULTS, VIDEOS, Cloud
from tests.e2e.function import Function, StartFunction
from tests.support import clips


def _give_up(reason: str) -> NoReturn:
    """Skip on a person's machine; in CI these tests must run."""
    if os.environ.get("CI"):
        pytest.fail(f"The end-to-end tests cannot run: {reason}.", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session", autouse=True)
def engine() -> None:
    """Require a Docker engine and the emulator."""
    reason = docker.why_not()
    if reason is None and not cloud.COMMAND.exists():
        reason = "the emulator is not installed: make e2e does it"
    if reason is not None:
        _give_up(reason)


@pytest.fixture(scope="session")
def image() -> str:
    """Return the name of the image under test."""
    name = os.environ.get("PRETAG_IMAGE", "pretag:dev")
    if not docker.docker("images", "--quiet", name):
        _give_up(f"there is no image {name}: make image builds it")
    return name


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Run an AWS for the session, with the buckets and the video that the sample events name."""
    with cloud.started(tmp_path_factory.mktemp("ministack")) as running:
        for bucket in (VIDEOS, RESULTS):
            running.make_bucket(bucket)
        running.client("s3").upload_file(str(clips.SAMPLE), VIDEOS, KEY)
        yield running


@pytest.fixture
def start(image: str, aws: Cloud) -> Iterator[StartFunction]:
    """Return a starter of functions: as the template sizes them, unless told otherwise."""
    started: list[Function] = []

    def start(megabytes: int | None = None, timeout: int | None = None) -> Function:
        function = Function.start(
            image,
            megabytes=megabytes or template.default("MemoryMegabytes"),
            timeout=timeout or template.default("TimeoutSeconds"),
            variables={**aws.variables, "OUTPUT_BUCKET": RESULTS},
        )
        started.append(function)
        return function

    yield start
    for function in started:
        function.remove()


@pytest.fixture(scope="session")
def built() -> Path:
    """Return what `sam build` made of the template."""
    if not template.BUILT.exists():
        if not sam.COMMAND.exists():
            _give_up("the SAM CLI is not installed: make e2e does it")
        sam.sam("build", "--cached")
    return template.BUILT
