"""Run Python in the environments of the tools: .tools/scan, .tools/deploy."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*arguments: str, tool: str = "scan") -> subprocess.CompletedProcess[str]:
    """Run an environment's Python in the repository."""
    python = ROOT / ".tools" / tool / "bin" / "python"
    if not python.exists():
        reason = f"there is no .tools/{tool}; make audit installs it"
        if os.environ.get("CI"):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    return subprocess.run(
        [python, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
