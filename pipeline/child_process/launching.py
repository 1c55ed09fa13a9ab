"""Start Python in a process without an environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

IS_SUPPORTED = sys.platform == "linux" and hasattr(os, "memfd_create")
"""Whether this platform has what `confine` uses, and memory that is handed over by descriptor."""

_IMPORT_AS_HERE = "import sys, json; sys.path[:] = json.loads(sys.argv.pop(1))\n"
# Libraries of Python itself lie below it in AWS's image. It holds no secret.
_KEPT_VARIABLES = ("LD_LIBRARY_PATH",)
# The threads of numpy's OpenBLAS have nothing to do, and starting them takes 0.1 CPU seconds.
_SET_VARIABLES = {"OPENBLAS_NUM_THREADS": "1"}


def launch(code: str, descriptors: Sequence[int], log: int) -> subprocess.Popen[bytes]:
    """Start Python in a process without an environment.

    Args:
        code: what it runs. It can import what this process can.
        descriptors: all that it inherits besides its output; they are its arguments.
        log: descriptor of the file that gets its output, or `subprocess.DEVNULL`.
    """
    root = str(Path(__file__).resolve().parents[2])
    return subprocess.Popen(  # noqa: S603 - this program itself
        [
            sys.executable, "-I", "-S", "-c", _IMPORT_AS_HERE + code,
            json.dumps([root, *sys.path]), *map(str, descriptors),
        ],
        env=_SET_VARIABLES
        | {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ},
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        pass_fds=descriptors,
        cwd="/",
        start_new_session=True,  # Ctrl-C at a terminal is for the parent
    )  # fmt: skip
