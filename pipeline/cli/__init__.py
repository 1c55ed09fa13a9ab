"""The command `pretag`: what a person types, and what they read."""

import sys

import click

from pipeline import __version__
from pipeline.cli.config import print_config
from pipeline.cli.model import models
from pipeline.cli.run import run_videos
from pipeline.errors import BrokenError, ConfigError

BROKEN, USAGE, REJECTED, INTERRUPTED = 1, 2, 3, 130


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="pretag")
def pretag() -> None:
    """Turn videos into datasets that labellers start from.

    Exit codes: 0 done; 1 broken (model, permission, disk); 2 wrong usage or config; 3 some
    video was rejected (the others are done).
    """


pretag.add_command(run_videos)
pretag.add_command(print_config)
pretag.add_command(models)


def main() -> None:
    """Run the command line; end the process with its exit code."""
    try:
        code = pretag.main(standalone_mode=False)
    except click.UsageError as error:
        error.show()
        code = USAGE
    except ConfigError as error:
        code = _say(error, USAGE)
    except BrokenError as error:
        code = _say(error, BROKEN)
    except click.Abort:  # Ctrl-C: https://click.palletsprojects.com/en/stable/exceptions/
        code = _say("Interrupted; the video at hand has no result.", INTERRUPTED)
    sys.exit(code)


def _say(problem: object, code: int) -> int:
    click.echo(f"pretag: {problem}", err=True)
    return code
