"""A runner for the commands of the workflows."""

import shutil
import sys
from pathlib import Path

import pytest

from tests.e2e.template import ROOT
from tests.support.workflows import COMMIT, DIGEST, Runner


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    """Return a runner with what the commands need of the repository, and stand-ins for AWS."""
    if shutil.which("make") is None:
        pytest.skip("there is no make, which runners and machines of developers have")
    for name in (
        "Makefile",
        "deploy/push",
        "deploy/__init__.py",
        "deploy/changelog.py",
        "pipeline/__init__.py",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "CHANGELOG.md").write_text(
        "# Changelog\n\n## Unreleased\n\n## 1.2.3 - 2026-11-30\n\n- New.\n\n"
        "## 1.0.0 - 2026-01-01\n\n- Old.\n"
    )
    (tmp_path / "pipeline" / "__init__.py").write_text('__version__ = "1.2.3"\n')
    runner = Runner(tmp_path)
    runner.stand_in("python3", f'exec {sys.executable} "$@"')
    runner.stand_in("aws", "echo password")
    runner.stand_in("gh")
    answers = f'push) echo "v1.2.3: digest: {DIGEST} size: 1234" ;; login) cat >/dev/null ;;'
    runner.stand_in("docker", f"case $1 in {answers} esac")
    runner.variables |= {
        "GITHUB_REF": "refs/tags/v1.2.3",
        "GITHUB_REF_NAME": "v1.2.3",
        "GITHUB_SHA": COMMIT,
    }
    return runner
