"""`pretag verify`: check results against their manifests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pipeline.cli import FAILED
from pipeline.cli.results import open_result
from pipeline.cli.terminal import counted
from pipeline.errors import PretagError
from pipeline.storage.verification import verify
from pipeline.text import printable

if TYPE_CHECKING:
    from pipeline.storage.verification import Verification


@click.command("verify")
@click.argument("results", metavar="RESULT...", nargs=-1, required=True)
def verify_results(results: tuple[str, ...]) -> int:
    """Check each RESULT against its manifest.

    RESULT is the folder of a run, OUT/<video>/<run id>, or s3://bucket/prefix/key/run. Each file of
    the manifest must be there with its size and sha256, and no other file. So must each image in an
    archive. A rejected video has only its rejection.json.

    Prints a line for each fault, and a summary of each result. The exit code is 1 if a result has a
    fault or cannot be read. If a folder does not exist, it is 2, and nothing is verified.
    """
    code = 0
    for result in list(map(open_result, results)):  # all of them first: a wrong one is wrong usage
        try:
            verification = verify(result)
        except PretagError as error:  # the other results may be readable
            click.echo(f"pretag: {printable(str(error))}", err=True)
            code = FAILED
            continue
        for fault in verification.faults:
            click.echo(printable(f"{result.location}: {fault}"))
        click.echo(printable(f"{result.location}: {_summary(verification)}"))
        if verification.faults:
            code = FAILED
    return code


def _summary(verification: Verification) -> str:
    if verification.ending is None:
        return "not a result."
    if verification.faults:
        return f"{counted(len(verification.faults), 'fault')}."
    if verification.ending == "rejected":
        return f"complete. The video was rejected ({verification.reason})."
    images = ""
    if verification.members:
        images = f" and {counted(verification.members, 'image')} in an archive"
    return f"complete. {counted(verification.files, 'file')}{images} as the manifest says."
