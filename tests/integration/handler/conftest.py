"""Fixtures of the handler's tests."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from handler import app, executions, metrics, output
from handler.class_values import ClassValues
from tests.support import clips
from tests.support.lambda_function import VARIABLES, emulated_s3, notify, put_video
from tests.support.state_machine import VARIABLES as DIVIDING
from tests.support.state_machine import StateMachine

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture
def s3(forked_children: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Client]:  # noqa: ARG001
    """Set the environment of the function, and emulate S3."""
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(app.logger, "service", VARIABLES["POWERTOOLS_SERVICE_NAME"])
    monkeypatch.setattr(metrics, "_class_values", ClassValues())
    with emulated_s3() as client:
        yield client


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Return what gets the log lines of the function. Metrics go to standard output as ever."""
    stream = io.StringIO()
    monkeypatch.setattr(app.logger.registered_handler, "stream", stream)
    return stream


@pytest.fixture
def machine(s3: S3Client, monkeypatch: pytest.MonkeyPatch) -> Iterator[StateMachine]:  # noqa: ARG001 - S3 is there first
    """Let the function divide every video into segments of 10 seconds."""
    for name, value in DIVIDING.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(output, "SURELY_SHORT_BYTES", 0)
    executions.step_functions_client.cache_clear()
    yield StateMachine.create()
    executions.step_functions_client.cache_clear()


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Return half a minute of small images that all differ, with a key frame every 5 seconds."""
    path = tmp_path_factory.mktemp("clips") / "textures.mp4"
    return clips.write_clip(path, clips.textures(30), rate=1, options={"g": "5"}).read_bytes()


@pytest.fixture
def divided(machine: StateMachine, s3: S3Client, clip: bytes) -> dict[str, Any]:  # noqa: ARG001 - it is there first
    """Upload the clip; return the entry of the summary, with the event in it."""
    record = put_video(s3, data=clip)
    (video,) = notify(record)["videos"]
    assert video["status"] == "divided"
    return {**video, "record": record}
