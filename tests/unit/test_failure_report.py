"""The report of an end-to-end test that fails: what the containers and the emulator wrote."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONFTEST = """
import pytest
from pathlib import Path
from tests.e2e.failure_report import EMULATOR_LOG, pytest_runtest_makereport

@pytest.fixture(autouse=True)
def _log(pytestconfig):
    pytestconfig.stash[EMULATOR_LOG] = Path("ministack.log")

@pytest.fixture
def broken():
    raise TimeoutError("Waited 60 s for the stack.")
"""
TESTS = """
def test_good():
    pass

def test_bad():
    raise TimeoutError("Waited 60 s for the second run.")

def test_without_its_stack(broken):
    pass
"""
# Two containers of the emulator's functions, and ten that tests have started.
DOCKER = """#!/bin/sh
case "$*" in
  "ps --all --quiet --filter label=ministack=lambda") echo "aaa bbb" ;;
  "ps --all --quiet --filter label=pretag-e2e="*) seq 1 10 ;;
  "ps --all --filter id="*) echo "name of ${4#id=} (pretag:dev), Exited (137)" ;;
  "logs --timestamps --tail 200 "*)
    seq 1 300 | sed "s/^/$5 says /" | tail -n "$4"
    echo "$5 fails" >&2
    head -c 5000 /dev/zero | tr "\\0" x ;;
  *) echo "unexpected: docker $*" >&2; exit 1 ;;
esac
"""


@pytest.fixture
def tests(tmp_path: Path) -> Path:
    """Write tests of which two fail, and a log of the emulator."""
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_e2e.py").write_text(TESTS)
    lines = [f"line {number}" for number in range(1, 1001)]
    (tmp_path / "ministack.log").write_text("\n".join(lines) + "\n")
    return tmp_path


def report_of(tests: Path, docker: str | None) -> str:
    """Run the tests with a `docker` of their own, and return what pytest prints."""
    commands = tests / "bin"
    commands.mkdir()
    if docker is not None:
        (commands / "docker").write_text(docker)
        (commands / "docker").chmod(0o755)
    finished = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", tests, tests],
        cwd=tests, capture_output=True, text=True, check=False,
        env={
            **os.environ,
            "PATH": f"{commands}:/usr/bin:/bin" if docker else str(commands),
            "PYTHONPATH": str(ROOT),
        },
    )  # fmt: skip
    assert "1 passed" in finished.stdout, finished
    return finished.stdout


def test_a_failed_test_shows_the_last_lines_of_each_log(tests: Path) -> None:
    report = report_of(tests, DOCKER)
    # Of two failures, one in a fixture.
    assert report.count("Log of container name of aaa (pretag:dev), Exited (137)") == 2
    lines = report.splitlines()
    for container in ("aaa", "bbb", "6"):
        assert lines.count(f"{container} says 300") == lines.count(f"{container} fails") == 2
        assert f"{container} says 102" not in lines  # 200 lines with the two after it
    assert "7 says 300" not in lines
    assert lines.count("7 8 9 10") == 2
    assert (lines.count("line 1000"), lines.count("line 801"), lines.count("line 800")) == (2, 2, 0)
    assert max(map(len, lines)) == 1000


def test_a_failed_test_is_reported_without_docker(tests: Path) -> None:
    report = report_of(tests, None)
    assert "TimeoutError: Waited 60 s for the second run." in report
    assert report.count("They cannot be read: [Errno 2] No such file or directory: 'docker'") == 2
    assert "line 1000" in report


def test_a_failed_test_is_reported_if_docker_fails(tests: Path) -> None:
    report = report_of(tests, "#!/bin/sh\necho no daemon >&2; exit 1\n")
    assert "TimeoutError: Waited 60 s for the second run." in report
    assert report.count("They cannot be read: docker ps: no daemon") == 2
