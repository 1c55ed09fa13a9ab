"""The SAM CLI, used by its command line."""

import os
import subprocess
from collections.abc import Mapping

from tests.e2e import template

COMMAND = template.ROOT / ".tools" / "deploy" / "bin" / "sam"


def sam(*arguments: str, variables: Mapping[str, str] | None = None) -> str:
    """Run a sam command in the repository, and return its standard output."""
    result = subprocess.run(
        [COMMAND, *arguments],
        cwd=template.ROOT,
        env={**os.environ, "SAM_CLI_TELEMETRY": "0", **(variables or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, f"sam {' '.join(arguments)}: {result.stderr}"
    return result.stdout
