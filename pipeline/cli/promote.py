"""`pretag promote`: make a result the newest one of its video."""

from __future__ import annotations

import click

from pipeline.cli.results import open_result
from pipeline.storage.verification import promote
from pipeline.text import printable


@click.command("promote")
@click.argument("result")
def promote_result(result: str) -> None:
    """Make latest.json of the video name RESULT.

    RESULT is the folder of a run, OUT/<video>/<run id>, or s3://bucket/prefix/key/run. Use it after
    a roll-back, for example. Later uploads of the video move latest.json again; uploads that were
    already seen do not.

    A rejected video cannot be promoted.
    """
    opened = open_result(result)
    promote(opened)
    click.echo(printable(f"latest.json names {opened.location} now."))
