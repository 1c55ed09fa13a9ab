"""Add the logs of the containers and of the emulator to the report of a failed test.

A failure in CI may never come again, and `Waited 60 s for the second run` does not explain it.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.e2e import docker

EMULATOR_LOG = pytest.StashKey[Path]()
"""Where the emulator writes its log; in the stash of the session's configuration."""

# Those of the emulator's functions, and those that tests start.
_LABELS = ("ministack=lambda", docker.LABEL)
# So that the report stays readable: the last lines of each log, of the newest containers.
_LINES, _LONGEST_LINE, _CONTAINERS = 200, 1000, 8


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add a section for each log to the report of a test that failed in any phase."""
    report = yield
    if report.failed:
        report.sections += _container_sections()
        log = item.config.stash.get(EMULATOR_LOG, None)
        if log is not None:
            report.sections.append((f"Log of the emulator, {log}", _emulator_tail(log)))
    return report


def _container_sections() -> list[tuple[str, str]]:
    """Return the titles and the texts of the sections of the containers, the newest first.

    If Docker fails, the one section says so: the failure of the test is what counts.
    """
    try:
        names = [name for label in _LABELS for name in docker.containers(label)]
        sections = [
            (f"Log of container {docker.description(name)}", _tail(docker.log_tail(name, _LINES)))
            for name in names[:_CONTAINERS]
        ]
    except (AssertionError, OSError, subprocess.TimeoutExpired) as error:
        return [("Logs of the containers", f"They cannot be read: {error}")]
    left_out = names[_CONTAINERS:]
    if left_out:
        sections.append(("Other containers, without their logs", " ".join(left_out)))
    return sections


def _emulator_tail(log: Path) -> str:
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _LINES * _LONGEST_LINE))
            return _tail(file.read().decode(errors="replace"))
    except OSError as error:
        return f"It cannot be read: {error}"


def _tail(text: str) -> str:
    return "\n".join(line[:_LONGEST_LINE] for line in text.splitlines()[-_LINES:])
