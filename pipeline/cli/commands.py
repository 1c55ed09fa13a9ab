"""The command group `pretag`, with all commands."""

import click

from pipeline import __version__
from pipeline.cli.late_commands import LateCommand, LateCommands

# Each is in the module of its name. The sentences are those of the commands' own help.
_COMMANDS = {
    name: LateCommand(f"pipeline.cli.{name}", function, summary)
    for name, function, summary in (
        (
            "baseline",
            "write_baseline",
            "Write the class shares and the scores of each RESULT as a baseline.",
        ),
        ("config", "print_config", "Print a config file with all keys, defaults and explanations."),
        ("evaluate", "evaluate", "Compare predictions, or a run, with a ground truth."),
        (
            "export",
            "export_results",
            "Write each RESULT in the form that another tool reads, all together into PATH.",
        ),
        (
            "forget",
            "forget_results",
            "Remove all results of the video S3_URI, s3://bucket/key, for ever.",
        ),
        (
            "handover",
            "hand_over_results",
            "Put the images and objects of each RESULT onto the server of a labelling tool.",
        ),
        ("index", "write_index", "Write index.html, a page with the newest results in RESULTS."),
        ("model", "model_group", "List, add, inspect and check detection models."),
        ("preview", "preview_result", "Draw the boxes and labels of RESULT onto its kept frames."),
        ("promote", "promote_result", "Make latest.json of the video name RESULT."),
        ("run", "run_videos", "Annotate each VIDEO, and write its dataset to OUT."),
        (
            "submit",
            "submit_videos",
            "Send the videos below S3_URI, s3://bucket/prefix, through the deployed function.",
        ),
        ("verify", "verify_results", "Check each RESULT against its manifest."),
    )
}


@click.group(
    cls=LateCommands, late=_COMMANDS, context_settings={"help_option_names": ["-h", "--help"]}
)
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
