"""Run the modules of supply_chain in their own environment, .tools/scan."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".tools" / "scan" / "bin" / "python"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the environment's Python in the repository."""
    if not PYTHON.exists():
        reason = "there is no .tools/scan; make audit installs it"
        if os.environ.get("CI"):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    return subprocess.run(
        [PYTHON, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
