"""`pretag forget`: remove all results of a video from a bucket."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from pipeline.cli import FAILED
from pipeline.cli.s3_names import split_s3_uri
from pipeline.cli.terminal import confirmed, counted
from pipeline.errors import BrokenError
from pipeline.resources.deadline import Deadline
from pipeline.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.storage.s3.forgetting import Removal
    from pipeline.storage.s3.result_search import Findings
    from pipeline.storage.s3.versions import VersionedBucket


@click.command("forget")
@click.argument("video", metavar="S3_URI")
@click.option("--results", metavar="S3_URI", help="Where the results are: s3://bucket/prefix.")
@click.option("--stack", metavar="NAME", help="The stack that wrote the results.")
@click.option("--dry-run", is_flag=True, help="Only print what would be removed.")
@click.option("--yes", is_flag=True, help="Remove without asking.")
def forget_results(
    *,
    video: str,
    results: str | None,
    stack: str | None,
    dry_run: bool,
    yes: bool,
) -> int:
    """Remove all results of the video S3_URI, s3://bucket/key, for ever.

    Say where the results are with --results or --stack. Delete the video itself first, with all its
    versions: as long as it is there, an event can have its results computed again.

    Each result and rejection that says that it is of this bucket and key is removed, with all
    versions of its objects, latest.json and the work files. Runs at which an attempt still works
    stay, and the exit code is 1. If the command is cut off, call it again.
    """
    # boto3 takes longer to import than the rest of the command.
    from pipeline.storage.s3 import client, forgetting, result_search, versions  # noqa: PLC0415
    from pipeline.storage.s3.retries import Retries  # noqa: PLC0415

    video_key = result_search.VideoKey(*split_s3_uri(video, "s3://bucket/key", needs_key=True))
    place, prefix = _place(results, stack)
    retries = Retries(Deadline.never())
    bucket = versions.VersionedBucket(client.s3_client(), place, retries)
    _tell_whether_it_is_there(
        versions.VersionedBucket(client.s3_client(), video_key.bucket, retries), video_key.key
    )
    findings = result_search.find_results(bucket, prefix, video_key, time.time())
    objects, size_bytes = _printed(forgetting.removals(bucket, findings))
    total = f"{counted(objects, 'object')}, {size_bytes:,} bytes"
    if dry_run:
        click.echo(f"{total} would be removed.")
        return _told(bucket, findings)
    if not confirmed(f"Remove {total}, for ever?", is_given=yes or not objects):
        click.echo("Nothing was removed.")
        return FAILED
    gone = list(forgetting.forget(bucket, findings))
    objects = sum(removal.total.objects for removal in gone)
    size_bytes = sum(removal.total.size_bytes for removal in gone)
    click.echo(f"Removed {counted(objects, 'object')}, {size_bytes:,} bytes.")
    return _told(bucket, findings)


def _place(results: str | None, stack: str | None) -> tuple[str, str]:
    """Return bucket and prefix of the results."""
    if (results is None) == (stack is None):
        raise click.UsageError("Give either --results or --stack.")
    if results is not None:
        bucket, prefix = split_s3_uri(results, "s3://bucket/prefix")
        return bucket, prefix.strip("/")
    from pipeline.deployment.stack import Stack  # noqa: PLC0415 - imports boto3

    deployed = Stack.named(str(stack))
    return deployed.output_bucket, deployed.output_prefix


def _tell_whether_it_is_there(videos: VersionedBucket, key: str) -> None:
    try:
        version = next(videos.versions(key), None)
    except BrokenError:  # whoever may remove results may not see the videos
        click.echo("Whether the video is still there cannot be seen. Delete it first.", err=True)
        return
    if version is not None and version.key == key:
        click.echo(
            "The video, or a version of it, is still there: an event can have its results computed "
            "again. Delete it first, with all its versions.",
            err=True,
        )


def _printed(removals: Iterable[Removal]) -> tuple[int, int]:
    """Print a line for each removal; return the number of objects and their bytes."""
    objects = size_bytes = 0
    for removal in removals:
        found = removal.total
        if found.objects:
            line = f"{removal.location}: {counted(found.objects, 'object')}, "
            click.echo(printable(f"{line}{found.size_bytes:,} bytes"))
        objects += found.objects
        size_bytes += found.size_bytes
    return objects, size_bytes


def _told(bucket: VersionedBucket, findings: Findings) -> int:
    """Tell what stays, and return the exit code."""
    if findings.working:
        runs = counted(len(findings.working), "run")
        until = datetime.fromtimestamp(max(findings.working.values()), UTC)
        click.echo(
            f"pretag: Attempts still work on {runs} of this video, "
            f"at the latest until {until:%Y-%m-%d %H:%M:%S} UTC. These runs stay. Call the command "
            "again then.",
            err=True,
        )
    for key in findings.unclear:
        click.echo(
            printable(
                f"pretag: {bucket.uri(key)} does not say which video it is of, so it stays. Look "
                "into it, and remove it with `aws s3 rm`."
            ),
            err=True,
        )
    return FAILED if findings.working or findings.unclear else 0
