"""`pretag baseline`: write what runs without drift find."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.results import open_result
from pipeline.cli.s3_names import split_s3_uri
from pipeline.cli.terminal import counted
from pipeline.dataset.result_sample import read_sample
from pipeline.drift.baseline import Baseline
from pipeline.drift.sample import LEAST_OBJECTS
from pipeline.storage.paths import check_output_file, write_file
from pipeline.storage.result_store import json_bytes
from pipeline.text import printable

if TYPE_CHECKING:
    from pipeline.drift.sample import Sample


@click.command("baseline")
@click.argument("results", metavar="RESULT...", nargs=-1, required=True)
@click.option(
    "--out", default="baseline.json", show_default=True,
    help="File for the baseline, or s3://bucket/key.",
)  # fmt: skip
def write_baseline(results: tuple[str, ...], out: str) -> None:
    """Write the class shares and the scores of each RESULT as a baseline.

    RESULT is the folder of a run, OUT/<video>/<run id>, or s3://bucket/prefix/key/run. Choose
    results that are as they should be, of all cameras and times of day. At least 5 must have 50
    objects or more; 20 or more make the limits sharper.

    Set the config key drift.baseline to the file: each later run is then compared with it.
    """
    _check_out(out)
    samples: dict[str, Sample] = {}
    for result in list(map(open_result, results)):  # all of them first: a wrong one is wrong usage
        run_id, sample = read_sample(result)
        if sample.objects < LEAST_OBJECTS:
            click.echo(
                printable(
                    f"{result.location}: left out. It has {counted(sample.objects, 'object')}, "
                    f"and a comparison needs {LEAST_OBJECTS}."
                ),
                err=True,
            )
        else:
            samples[run_id] = sample  # a result that is named twice counts once
    baseline = Baseline.of(list(samples.values()))
    _write(out, json_bytes(baseline.model_dump(mode="json")))
    click.echo(
        printable(
            f"{out}: the baseline of {counted(baseline.results, 'result')} with "
            f"{counted(baseline.objects, 'object')}."
        )
    )


def _check_out(out: str) -> None:
    if out.startswith("s3://"):
        split_s3_uri(out, "s3://bucket/key", needs_key=True)
    else:
        check_output_file(Path(out))


def _write(out: str, data: bytes) -> None:
    if not out.startswith("s3://"):
        write_file(Path(out), data)
        return
    # boto3 takes long to import.
    from pipeline.storage.s3.bucket import Bucket  # noqa: PLC0415

    bucket, key = split_s3_uri(out, "s3://bucket/key")
    Bucket.for_command(bucket).put(key, data)
