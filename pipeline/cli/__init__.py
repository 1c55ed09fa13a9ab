"""The command `pretag`: command line arguments come in, text and an exit code go out.

The commands are in `commands`. May import every part of `pipeline`; no part of `pipeline` imports
`cli`.
"""

import os
import signal
import sys

import click

from pipeline.cli.commands import pretag
from pipeline.errors import ConfigError, PathError, PretagError
from pipeline.text import printable

FAILED, USAGE, REJECTED, INTERRUPTED = 1, 2, 3, 130

# How to get a package that only some commands need.
_REMEDIES = {
    "boto3": "Install pretag with its extra s3: in its folder, pip install '.[s3]'.",
    "pycocotools": "Install pretag in Python: the image leaves it out.",
    "scipy": "Install pretag in Python: the image leaves it out.",
}


def main() -> None:
    """Run the command line, and end the process with an exit code.

    0: done. 1: the deployment is broken (model, permission, disk), a named file cannot be used, or
    a verified result has a fault. 2: wrong usage, configuration or path; nothing was done. 3: some
    video was rejected. 130, 143: SIGINT, SIGTERM.

    A process that was started with SIGINT or SIGTERM ignored, such as a background job of a script,
    keeps ignoring it.
    """
    # The threads of numpy's OpenBLAS have nothing to do, and starting them takes 0.1 CPU seconds.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_IGN:
        signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        code = _run()
    except click.UsageError as error:
        error.show()
        code = USAGE
    except (KeyboardInterrupt, click.Abort):
        code = _print_error("Interrupted. A video in progress has no result.", INTERRUPTED)
    except ModuleNotFoundError as error:
        code = _print_error(_missing_package(error), FAILED)
    except OSError as error:  # standard output is full or closed
        code = _print_error(f"Input or output failed: {error.strerror or error}.", FAILED)
        _discard_output()
    sys.exit(code)


def _run() -> int:
    try:
        return int(pretag.main(standalone_mode=False) or 0)
    except (ConfigError, PathError) as error:
        return _print_error(str(error), USAGE)
    except PretagError as error:
        return _print_error(str(error), FAILED)


def _missing_package(error: ModuleNotFoundError) -> str:
    """Return how to get a package that only some commands need.

    Raises:
        ModuleNotFoundError: the error, if it is of another module: a fault of the installation.
    """
    package = (error.name or "").partition(".")[0]
    package = "boto3" if package == "botocore" else package  # its part, imported first by some
    remedy = _REMEDIES.get(package)
    if remedy is None:
        raise error
    return f"This needs the package {package}, which is not there. {remedy}"


def _discard_output() -> None:
    """Discard what could not be written, because Python 3.13 fails if it cannot flush at its exit.

    https://docs.python.org/3/library/signal.html#note-on-sigpipe
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _print_error(message: str, code: int) -> int:
    """Print an error message to standard error, and return the exit code."""
    # The message about a wrong configuration has a line for each problem.
    lines = map(printable, message.splitlines())
    click.echo("pretag: " + "\n".join(lines), err=True)
    return code
