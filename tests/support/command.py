"""Call the command `pretag`, inside the test process or as a process of its own."""

import signal
import sys
from collections.abc import Callable
from typing import NamedTuple


class Finished(NamedTuple):
    """The exit code, standard output and standard error of a command."""

    code: int
    out: str
    err: str


# The fixture `pretag` in tests/integration/conftest.py: calls the command inside the test process.
Pretag = Callable[..., Finished]

# Start of a command line that runs the command as a process of its own.
PRETAG_PROCESS = (sys.executable, "-m", "pipeline")

# Options of `pretag run` for a short run: 3 frames of the sample.
SPARSE_SAMPLING = ("--set", "sampling.every_seconds=10", "--set", "dedupe.method=none")


def with_signal(number: signal.Signals, action: signal.Handlers) -> tuple[str, ...]:
    """Return the start of a command line: runs the rest of it with SIG_DFL or SIG_IGN for a signal.

    A process inherits ignored signals, and background jobs of scripts ignore SIGINT. With this, a
    test that sends a signal does not depend on how the tests were started.
    """
    code = (
        f"import os, signal, sys; signal.signal({number:d}, signal.{action.name}); "
        "os.execv(sys.argv[1], sys.argv[1:])"
    )
    return (sys.executable, "-c", code)


def on_one_line(text: str) -> str:
    """Return the text of a table with single spaces and without line breaks."""
    return " ".join(text.split())
