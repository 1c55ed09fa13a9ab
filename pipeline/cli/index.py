"""`pretag index`: write a page with the newest results."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.s3_names import split_s3_uri
from pipeline.cli.terminal import counted
from pipeline.dataset.index.writing import write_index_page
from pipeline.storage.newest_results import FolderOfResults
from pipeline.storage.paths import check_folder
from pipeline.text import printable

if TYPE_CHECKING:
    from pipeline.storage.newest_results import ResultPlace


@click.command("index")
@click.argument("results", metavar="RESULTS")
def write_index(results: str) -> None:
    """Write index.html, a page with the newest results in RESULTS.

    RESULTS is the folder that `pretag run --out` wrote to, or s3://bucket/prefix. The page has the
    500 newest results and rejections with their counts, coverage, cost and drift, and links to
    their reports. It is as private as the bucket.
    """
    written = write_index_page(_place(results))
    for path in written.damaged:
        click.echo(printable(f"{path} was left out: it is damaged, or gone now."), err=True)
    click.echo(printable(f"{written.location}: {counted(written.results, 'result')}."))


def _place(results: str) -> ResultPlace:
    if not results.startswith("s3://"):
        check_folder(Path(results))
        return FolderOfResults(Path(results))
    # boto3 takes long to import.
    from pipeline.storage.s3.bucket import Bucket  # noqa: PLC0415
    from pipeline.storage.s3.prefix_of_results import PrefixOfResults  # noqa: PLC0415

    bucket, prefix = split_s3_uri(results.rstrip("/"), "s3://bucket/prefix")
    return PrefixOfResults(Bucket.for_command(bucket), prefix)
