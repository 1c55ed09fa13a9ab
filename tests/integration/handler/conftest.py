"""Fixtures of the handler's tests."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from handler import app, metrics
from handler.class_values import ClassValues
from tests.support.lambda_function import VARIABLES, emulated_s3

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Client]:
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
