"""`pretag submit`: send the videos that lie in a bucket already through the deployed function."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli import FAILED
from pipeline.cli.local_path import LocalPath
from pipeline.cli.s3_names import split_s3_uri
from pipeline.cli.terminal import confirmed, counted
from pipeline.resources.deadline import Deadline
from pipeline.storage.paths import check_output_file
from pipeline.text import path_text, printable

if TYPE_CHECKING:
    from pipeline.deployment.estimate import Estimate
    from pipeline.deployment.sending import Sender

_HOUR = 3600


@click.command("submit")
@click.argument("videos", metavar="S3_URI")
@click.option("--stack", metavar="NAME", help="The stack with the function.")
@click.option("--function", "function_name", metavar="NAME", help="The function, without a stack.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=1000, show_default=True,
    help="Send at most so many videos.",
)  # fmt: skip
@click.option(
    "--concurrency", type=click.IntRange(min=1, max=1000), default=5, show_default=True,
    help="Send so fast that about so many functions work at once.",
)  # fmt: skip
@click.option(
    "--real-time-factor", type=click.FloatRange(min=0, min_open=True), default=0.1,
    show_default=True,
    help="Seconds of work for each second of video; the dashboard shows it.",
)  # fmt: skip
@click.option(
    "--state", "state_file", type=LocalPath(check_output_file),
    default=Path("pretag-submit.json"), show_default=True,
    help="File that says how far the submission is.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Only print how many videos, hours and dollars.")
@click.option("--yes", is_flag=True, help="Send without asking.")
def submit_videos(  # noqa: PLR0913 - the options of the command
    *,
    videos: str,
    stack: str | None,
    function_name: str | None,
    limit: int,
    concurrency: int,
    real_time_factor: float,
    state_file: Path,
    dry_run: bool,
    yes: bool,
) -> int:
    """Send the videos below S3_URI, s3://bucket/prefix, through the deployed function.

    Use it for a new bucket, or after a change of the model or the configuration. A video that has a
    result of the same run already is `repeated`, at little cost.

    First prints the number of videos, and estimates of hours and dollars. Then sends them in the
    order of their keys, and notes each in the state file. The same command sends the next ones.
    When all are sent, delete the state file to begin another submission.
    """
    # boto3 takes longer to import than the rest of the command.
    from pipeline.deployment.estimate import Estimate  # noqa: PLC0415
    from pipeline.deployment.function import Function  # noqa: PLC0415
    from pipeline.deployment.lengths import measure_lengths  # noqa: PLC0415
    from pipeline.deployment.sending import Sender  # noqa: PLC0415
    from pipeline.deployment.submission import Submission  # noqa: PLC0415
    from pipeline.storage.s3.client import s3_client  # noqa: PLC0415
    from pipeline.storage.s3.retries import Retries  # noqa: PLC0415
    from pipeline.storage.s3.versions import VersionedBucket  # noqa: PLC0415

    place, prefix = split_s3_uri(videos, "s3://bucket/prefix")
    function = Function.named(_function_name(stack, function_name, place, prefix))
    submission = Submission.open(state_file, videos, function.name)
    if submission.is_complete:
        click.echo(
            f"All {submission.sent:,} videos were sent. Delete {path_text(state_file)} to begin "
            "another submission."
        )
        return 0
    retries = Retries(Deadline.never())
    bucket = VersionedBucket(s3_client(), place, retries)
    sender = Sender(bucket, prefix, function, submission, state_file)
    lengths = measure_lengths(s3_client(), bucket, sender.next_videos(limit), retries)
    estimate = Estimate(function, lengths, real_time_factor)
    _print_estimate(estimate, concurrency, printable(videos))
    if dry_run:
        return 0
    if lengths.videos and not confirmed(
        f"Send {counted(lengths.videos, 'video')} to {function.name}?", is_given=yes
    ):
        click.echo("Nothing was sent.")
        return FAILED
    _send(sender, estimate, limit, concurrency)
    return 0


def _function_name(stack: str | None, function: str | None, bucket: str, prefix: str) -> str:
    """Return the name of the function.

    Raises:
        click.UsageError: not one of stack and function is given, or the stack's function may not
            read these videos.
    """
    if function is not None and stack is None:
        return function
    if stack is None or function is not None:
        raise click.UsageError("Give either --stack or --function.")
    from pipeline.deployment.stack import Stack  # noqa: PLC0415 - imports boto3

    deployed = Stack.named(stack)
    if bucket != deployed.input_bucket or not prefix.startswith(deployed.input_prefix):
        raise click.UsageError(
            f"The function of {stack} may only read videos below "
            f"s3://{deployed.input_bucket}/{deployed.input_prefix}. Name a prefix below it."
        )
    return deployed.function


def _print_estimate(estimate: Estimate, concurrency: int, place: str) -> None:
    lengths = estimate.lengths
    if not lengths.videos:
        click.echo(f"No video is left to send below {place}.")
        return
    margin = ""
    if lengths.margin_seconds is not None:
        margin = f" (give or take {lengths.margin_seconds / _HOUR:,.2f} h)"
    click.echo(
        f"{counted(lengths.videos, 'video')} below {place}, {lengths.size_bytes / 1e9:,.2f} GB.\n"
        f"About {lengths.seconds / _HOUR:,.2f} h of video{margin}, by the headers of "
        f"{counted(lengths.headers, 'video')}.\n"
        f"About {estimate.work_seconds / _HOUR:,.2f} h of work at a real-time factor of "
        f"{estimate.real_time_factor:g}: {estimate.work_seconds / _HOUR / concurrency:,.2f} h with "
        f"{counted(concurrency, 'function')} at once.\n"
        f"About ${estimate.dollars:,.2f}, at prices of us-east-1, if each second of video gives an "
        "image, and each image is an object of its own. With output.archive it costs less."
    )


def _send(sender: Sender, estimate: Estimate, limit: int, concurrency: int) -> None:
    """Send, and tell how many were sent, also if an error or Ctrl-C ends it."""
    from pipeline.deployment.pace import SendingPace  # noqa: PLC0415 - as above

    before = sender.submission.sent
    try:
        sender.send(limit, SendingPace(concurrency), estimate.work_seconds_of)
    finally:
        sent = sender.submission.sent - before
        left = "" if sender.submission.is_complete else " The same command sends the next ones."
        click.echo(f"Sent {counted(sent, 'video')}.{left}")
