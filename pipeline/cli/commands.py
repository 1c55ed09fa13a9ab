"""The command group `pretag`, with all commands."""

import click

from pipeline import __version__
from pipeline.cli.baseline import write_baseline
from pipeline.cli.config import print_config
from pipeline.cli.evaluate import evaluate
from pipeline.cli.export import export_results
from pipeline.cli.forget import forget_results
from pipeline.cli.handover import hand_over_results
from pipeline.cli.index import write_index
from pipeline.cli.model import model_group
from pipeline.cli.preview import preview_result
from pipeline.cli.promote import promote_result
from pipeline.cli.run import run_videos
from pipeline.cli.submit import submit_videos
from pipeline.cli.verify import verify_results


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="pretag")
def pretag() -> None:
    """Turn videos into pre-annotated datasets that labellers correct.

    \b
    Exit codes:
      0  done
      1  the deployment is broken (model, permission, disk),
         or a file that you named cannot be used,
         or a result that was verified has a fault,
         or something was not removed or not sent
      2  wrong usage or configuration, or a path that does not exist;
         nothing was done
      3  some video was rejected; all others are done
    """  # noqa: D301 - click reads the escape sequence: it keeps the lines as they are


pretag.add_command(run_videos)
pretag.add_command(print_config)
pretag.add_command(model_group)
pretag.add_command(evaluate)
pretag.add_command(export_results)
pretag.add_command(hand_over_results)
pretag.add_command(write_baseline)
pretag.add_command(write_index)
pretag.add_command(verify_results)
pretag.add_command(preview_result)
pretag.add_command(promote_result)
pretag.add_command(submit_videos)
pretag.add_command(forget_results)
