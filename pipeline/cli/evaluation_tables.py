"""Tables and sentences about an evaluation, for a terminal with 80 columns or more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.table import Table

from pipeline.cli.terminal import counted
from pipeline.evaluation.coco_metrics import METRICS
from pipeline.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.evaluation.coco_metrics import Metrics
    from pipeline.evaluation.comparison import Comparison, UnmatchedImage
    from pipeline.evaluation.corrections import CorrectionCounts, Corrections

_MAX_NAMES = 3


def metric_tables(metrics: Metrics) -> Iterator[Table]:
    """Yield a table of the metrics over all classes, and one with a row for each class."""
    overall = _table("COCO metrics", ["metric"], ["value"])
    overall.add_column("meaning")
    for name, value in metrics.overall.items():
        overall.add_row(name, _metric(value), METRICS[name])
    yield overall
    if metrics.by_class:
        yield _class_metrics_table(metrics)


def correction_tables(corrections: Corrections) -> Iterator[Table]:
    """Yield a table of corrections with a row for each class, and one of changed classes."""
    columns = ["pre", "kept", "kept %", "moved", "relabelled", "deleted", "added", "truth"]
    table = _table("Corrections", ["class"], columns)
    for name, counts in corrections.by_class.items():
        table.add_row(printable(name), *_correction_cells(counts))
    table.add_section()
    table.add_row("all", *_correction_cells(corrections.overall))
    yield table
    if corrections.relabelled:
        relabelled = _table("Relabelled", ["from", "to"], ["objects"])
        for (before, after), count in corrections.relabelled.items():
            relabelled.add_row(printable(before), printable(after), str(count))
        yield relabelled


def correction_sentences(corrections: Corrections, image_count: int) -> Iterator[str]:
    """Yield sentences that sum up the corrections."""
    overall = corrections.overall
    share = "" if overall.kept_share is None else f" ({overall.kept_share:.1%})"
    yield f"Kept: {overall.kept} of {counted(overall.pre, 'pre-annotation')}{share}."
    yield (
        f"Work: {counted(overall.corrected, 'correction')}. Without pre-annotations, labellers "
        f"would have drawn {counted(overall.truth, 'object')}."
    )
    yield f"{corrections.untouched_images} of {counted(image_count, 'image')} needed no correction."
    if overall.moved_mean_iou is not None:
        yield f"Mean IoU of moved boxes, before and after: {overall.moved_mean_iou:.2f}."


def unmatched_sentence(images: tuple[UnmatchedImage, ...], side: str, reason: str) -> str:
    """Return a sentence about the images that only one side has.

    Args:
        images: at least one image.
        side: the side that has them.
        reason: why the other side may not have them.
    """
    return f"Only in {side} ({reason}), so not compared: {_listed(images)}"


def other_videos_sentence(comparison: Comparison) -> str:
    """Return a sentence about the images of other videos, and how they were told apart."""
    told_by = {
        "names": "by names of videos or runs",
        "boxes": "by boxes that are the same in the run",
        "frames": "by frames that the run does not have",
    }
    how = told_by[str(comparison.told_by)]
    return f"Of other videos ({how}), so not compared: {_listed(comparison.of_other_videos)}"


def _listed(images: tuple[UnmatchedImage, ...]) -> str:
    names = ", ".join(printable(image.file_name) for image in images[:_MAX_NAMES])
    more = ", ..." if len(images) > _MAX_NAMES else ""
    objects = sum(image.objects for image in images)
    return f"{counted(len(images), 'image')} with {counted(objects, 'object')}: {names}{more}"


def _class_metrics_table(metrics: Metrics) -> Table:
    columns = ["AP", "AP50", "AR100", "truth", "predictions"]
    table = _table("COCO metrics by class", ["class"], columns)
    for row in metrics.by_class:
        table.add_row(
            printable(row.name),
            *(_metric(value) for value in (row.AP, row.AP50, row.AR100)),
            str(row.truth),
            str(row.predictions),
        )
    return table


def _table(title: str, labels: Sequence[str], numbers: Sequence[str]) -> Table:
    """Return an empty table with columns of labels, which are wrapped, and columns of numbers."""
    table = Table(
        title=title,
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    for name in labels:
        table.add_column(name, overflow="fold")
    for name in numbers:
        table.add_column(name, justify="right")
    return table


def _correction_cells(counts: CorrectionCounts) -> Iterator[str]:
    share = "-" if counts.kept_share is None else f"{counts.kept_share:.1%}"
    others = (counts.moved, counts.relabelled, counts.deleted, counts.added, counts.truth)
    yield from (str(counts.pre), str(counts.kept), share, *map(str, others))


def _metric(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
