"""The command `pretag`: what a person types, and what they read."""

import signal
import sys

import click

BROKEN, USAGE, INTERRUPTED = 1, 2, 130


def main() -> None:
    """Run the command line; end the process with its exit code."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        code = _run()
    except click.UsageError as error:
        error.show()
        code = USAGE
    except (KeyboardInterrupt, click.Abort):
        code = _say("Interrupted; what was under way has no result.", INTERRUPTED)
    except OSError as error:  # a standard output that is full or gone
        code = _say(f"{error.strerror or error}.", BROKEN)
    sys.exit(code)


def _run() -> int:
    # OpenCV, ONNX Runtime and their kin take half a second, and make import errors of interrupts.
    # Nothing is begun yet: an interrupt just ends the process.
    interrupted = signal.getsignal(signal.SIGINT)
    if interrupted is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from pipeline.cli.commands import pretag  # noqa: PLC0415
    from pipeline.errors import BrokenError, ConfigError, InputFileError  # noqa: PLC0415

    signal.signal(signal.SIGINT, interrupted)
    try:
        return int(pretag.main(standalone_mode=False) or 0)
    except ConfigError as error:
        return _say(error, USAGE)
    except (BrokenError, InputFileError) as error:
        return _say(error, BROKEN)


def _say(problem: object, code: int) -> int:
    from pipeline.text import printable  # noqa: PLC0415 - as above

    click.echo(f"pretag: {printable(str(problem))}", err=True)
    return code
