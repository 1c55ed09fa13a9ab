"""The command group, and the commands in it."""

import click

from pipeline import __version__
from pipeline.cli.config import print_config
from pipeline.cli.evaluate import evaluate
from pipeline.cli.model import models
from pipeline.cli.run import run_videos


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
pretag.add_command(evaluate)
