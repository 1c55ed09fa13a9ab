"""`pretag evaluate`: a model's predictions, or a run's pre-annotations, against the truth."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from pipeline.cli.evaluation_tables import (
    correction_sentences,
    correction_tables,
    figure_tables,
    lone_sentence,
)
from pipeline.errors import BrokenError
from pipeline.evaluation.coco_figures import figures
from pipeline.evaluation.coco_files import read_predictions, read_run, read_truth
from pipeline.evaluation.comparison import by_ids, by_names
from pipeline.evaluation.corrections import TOLERANCE_PIXELS, corrections
from pipeline.evaluation.summary import summary
from pipeline.storage.publisher import json_bytes
from pipeline.text import path_text

if TYPE_CHECKING:
    from pipeline.evaluation.coco_figures import Figures
    from pipeline.evaluation.comparison import Comparison
    from pipeline.evaluation.corrections import Corrections

_File = click.Path(path_type=Path)


@click.command("evaluate")
@click.option(
    "--truth", required=True, type=_File,
    help="COCO file of what is in the images: a labelling tool's export.",
)  # fmt: skip
@click.option(
    "--predictions", type=_File,
    help="COCO results list with the truth's own ids: how good is a model?",
)  # fmt: skip
@click.option(
    "--run", "run_folder", type=_File,
    help="Folder of a run, OUT/<video>/<run id>: how much correction did it need? Images and "
    "classes are matched by name.",
)  # fmt: skip
@click.option(
    "--tolerance", type=click.FloatRange(min=0), metavar="PIXELS",
    help="With --run: how far a side may be moved in a box that counts as kept.  [default: "
    f"{TOLERANCE_PIXELS:g}]",
)  # fmt: skip
@click.option(
    "--out", default="evaluation.json", show_default=True, type=_File,
    help="File for the figures, as JSON.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="The JSON on standard output, not tables.")
def evaluate(  # noqa: PLR0913, PLR0917 - an option each
    truth: Path,
    predictions: Path | None,
    run_folder: Path | None,
    tolerance: float | None,
    out: Path,
    as_json: bool,  # noqa: FBT001 - click passes its flags so
) -> None:
    """Compare predictions, or a run, with the TRUTH that labellers made.

    Prints pycocotools' figures, overall and by class; with --run also what became of the
    pre-annotations: kept, moved, relabelled, deleted, and what was added. Writes both as JSON.
    """
    if tolerance is not None and not math.isfinite(tolerance):
        raise click.UsageError(f"--tolerance {tolerance} is no number of pixels.")
    corrected: Corrections | None = None
    if run_folder is not None and predictions is None:
        compared = {"truth": truth, "run": run_folder}
        _check_output(out, *compared.values())
        comparison = by_names(read_run(run_folder), read_truth(truth))
        corrected = corrections(comparison, TOLERANCE_PIXELS if tolerance is None else tolerance)
    elif predictions is not None and run_folder is None:
        if tolerance is not None:
            raise click.UsageError("--tolerance is for --run: predictions are not corrected.")
        compared = {"truth": truth, "predictions": predictions}
        _check_output(out, *compared.values())
        comparison = by_ids(read_predictions(predictions), read_truth(truth))
    else:
        raise click.UsageError("Give either --predictions or --run: what is to be evaluated?")
    judged = figures(comparison)
    names = {option: path_text(path) for option, path in compared.items()}
    written = json_bytes(summary(names, comparison, judged, corrected))
    _write(out, written)
    if as_json:
        click.echo(written, nl=False)
    else:
        _show(comparison, judged, corrected)
        click.echo(f"Evaluation: {path_text(out)}")


def _check_output(out: Path, *inputs: Path) -> None:
    target = out.resolve()
    for path in map(Path.resolve, inputs):
        if path == target or path in target.parents:
            raise click.UsageError(
                f"--out {path_text(out)} would change what is evaluated: write it elsewhere."
            )


def _write(out: Path, written: bytes) -> None:
    try:
        out.write_bytes(written)
    except OSError as error:
        raise BrokenError(f"{path_text(out)} cannot be written: {error.strerror}.") from error


def _show(comparison: Comparison, judged: Figures, corrected: Corrections | None) -> None:
    console = Console()
    for table in figure_tables(judged):
        console.print(table)
    if corrected is None:
        return
    for table in correction_tables(corrected):
        console.print(table)
    for sentence in correction_sentences(corrected, comparison.images):
        click.echo(sentence)
    if comparison.only_in_run:
        why = "deleted there, or not exported"
        click.echo(lone_sentence(comparison.only_in_run, "the run", why))
    if comparison.only_in_truth:
        why = "not of this run, or renamed"
        click.echo(lone_sentence(comparison.only_in_truth, "the truth", why))
