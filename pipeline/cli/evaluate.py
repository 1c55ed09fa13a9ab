"""`pretag evaluate`: compare predictions, or the pre-annotations of a run, with a ground truth."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.evaluation_tables import (
    correction_sentences,
    correction_tables,
    metric_tables,
    other_videos_sentence,
    unmatched_sentence,
)
from pipeline.cli.local_path import LocalPath
from pipeline.cli.terminal import console
from pipeline.evaluation.coco_files import read_predictions, read_run, read_truth
from pipeline.evaluation.coco_metrics import compute_metrics
from pipeline.evaluation.comparison import compare_by_ids, compare_by_names
from pipeline.evaluation.corrections import DEFAULT_TOLERANCE_PIXELS, count_corrections
from pipeline.evaluation.run_names import RunNames
from pipeline.evaluation.summary import evaluation_json
from pipeline.storage.paths import check_file, check_folder, check_output_file, write_file
from pipeline.storage.result_store import json_bytes
from pipeline.text import path_text

if TYPE_CHECKING:
    from pipeline.evaluation.coco_metrics import Metrics
    from pipeline.evaluation.comparison import Comparison
    from pipeline.evaluation.corrections import Corrections

_FEW_KEPT = 0.5


@click.command("evaluate")
@click.option(
    "--truth", required=True, type=LocalPath(check_file),
    help="Ground truth: a COCO object detection file that a labelling tool exported.",
)  # fmt: skip
@click.option(
    "--predictions", type=LocalPath(check_file),
    help="Evaluate the predictions of a model: a COCO results list with the ids of the truth.",
)  # fmt: skip
@click.option(
    "--run", "run_folder", type=LocalPath(check_folder),
    help="Evaluate a run, and count corrections: its folder, OUT/<video>/<run id>. Images are "
    "matched by video and frame, classes by name.",
)  # fmt: skip
@click.option(
    "--tolerance", type=click.FloatRange(min=0), metavar="PIXELS",
    help="With --run: how far a side may move in a box that counts as kept.  [default: "
    f"{DEFAULT_TOLERANCE_PIXELS:g}]",
)  # fmt: skip
@click.option(
    "--out", default="evaluation.json", show_default=True,
    type=LocalPath(check_output_file),
    help="JSON file for the results.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the JSON instead of tables.")
def evaluate(  # noqa: PLR0913, PLR0917 - one argument for each option
    truth: Path,
    predictions: Path | None,
    run_folder: Path | None,
    tolerance: float | None,
    out: Path,
    as_json: bool,  # noqa: FBT001 - click passes flags as positional arguments
) -> None:
    """Compare predictions, or a run, with a ground truth.

    Prints COCO metrics, over all classes and for each class. With --run, it also counts the
    pre-annotations that labellers kept, moved, relabelled and deleted, and the objects that they
    added. The same results are written as JSON.
    """
    if tolerance is not None and not math.isfinite(tolerance):
        raise click.UsageError(f"--tolerance must be a number of pixels, and is {tolerance}.")
    corrections: Corrections | None = None
    if run_folder is not None and predictions is None:
        files = {"truth": truth, "run": run_folder}
        _check_output(out, *files.values())
        comparison = compare_by_names(
            read_run(run_folder), read_truth(truth), RunNames.of(run_folder)
        )
        corrections = count_corrections(
            comparison, DEFAULT_TOLERANCE_PIXELS if tolerance is None else tolerance
        )
    elif predictions is not None and run_folder is None:
        if tolerance is not None:
            raise click.UsageError("--tolerance is only for --run. Leave it out.")
        files = {"truth": truth, "predictions": predictions}
        _check_output(out, *files.values())
        comparison = compare_by_ids(read_predictions(predictions), read_truth(truth))
    else:
        raise click.UsageError("Give either --predictions or --run.")
    metrics = compute_metrics(comparison)
    paths = {option: path_text(path) for option, path in files.items()}
    content = json_bytes(evaluation_json(paths, comparison, metrics, corrections))
    write_file(out, content)
    if as_json:
        click.echo(content, nl=False)
    else:
        _print_results(comparison, metrics, corrections)
        click.echo(f"Evaluation: {path_text(out)}")


def _check_output(out: Path, *inputs: Path) -> None:
    target = out.resolve()
    for path in map(Path.resolve, inputs):
        if path == target or path in target.parents:
            raise click.UsageError(
                f"--out {path_text(out)} would change a file that is evaluated. Give another path."
            )


def _print_results(
    comparison: Comparison, metrics: Metrics, corrections: Corrections | None
) -> None:
    terminal = console()
    for table in metric_tables(metrics):
        terminal.print(table)
    if corrections is None:
        return
    for table in correction_tables(corrections):
        terminal.print(table)
    for sentence in correction_sentences(corrections, comparison.image_count):
        click.echo(sentence)
    if comparison.only_in_run:
        reason = "deleted there, or not exported"
        click.echo(unmatched_sentence(comparison.only_in_run, "the run", reason))
    if comparison.only_in_truth:
        reason = "not from this run, or renamed"
        click.echo(unmatched_sentence(comparison.only_in_truth, "the truth", reason))
    if comparison.of_other_videos:
        click.echo(other_videos_sentence(comparison))
    # Tools that round boxes leave no number as it was, but most boxes are kept then.
    if not comparison.same_boxes and (corrections.overall.kept_share or 0) < _FEW_KEPT:
        click.echo(
            "No box of the run is unchanged in the truth. If labellers corrected this run, check "
            "that the truth is of the same video."
        )
