"""An evaluation, for a terminal of 80 columns or more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from pipeline.evaluation.coco_figures import FIGURES
from pipeline.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.evaluation.coco_figures import Figures
    from pipeline.evaluation.comparison import UnmatchedImage
    from pipeline.evaluation.corrections import CorrectionCounts, Corrections

_NAMES_SHOWN = 3


def figure_tables(figures: Figures) -> Iterator[Table]:
    """Yield pycocotools' figures overall, and a row a class."""
    overall = _table("COCO figures", "figure", value="right", meaning="left")
    for name, value in figures.overall.items():
        overall.add_row(name, _number(value), FIGURES[name])
    yield overall
    if figures.by_class:
        yield _class_figures(figures)


def correction_tables(corrections: Corrections) -> Iterator[Table]:
    """Yield what became of the pre-annotations, a row a class, and who became what."""
    columns = ("pre", "kept", "kept %", "moved", "relabelled", "deleted", "added", "truth")
    table = _table("Corrections", "class", **dict.fromkeys(columns, "right"))
    for name, fates in corrections.by_class.items():
        table.add_row(_name(name), *_cells(fates))
    table.add_section()
    table.add_row("all", *_cells(corrections.overall))
    yield table
    if corrections.relabelled:
        relabelled = _table("Relabelled", "from", to="left", objects="right")
        for (before, after), count in corrections.relabelled.items():
            relabelled.add_row(_name(before), _name(after), str(count))
        yield relabelled


def correction_sentences(corrections: Corrections, images: int) -> Iterator[str]:
    """Yield what a labelling lead wants to know first."""
    fates = corrections.overall
    share = "" if fates.kept_share is None else f" ({fates.kept_share:.1%})"
    yield (
        f"{fates.kept} of {_count(fates.pre, 'pre-annotation')}{share} kept. "
        f"{_count(fates.corrected, 'correction')} instead of "
        f"{_count(fates.truth, 'object')} to draw."
    )
    yield f"{corrections.images_untouched} of {_count(images, 'image')} needed no correction."
    if fates.moved_mean_iou is not None:
        yield f"Moved boxes overlap what became of them by {fates.moved_mean_iou:.2f} (mean IoU)."


def lone_sentence(images: tuple[UnmatchedImage, ...], where: str, why: str) -> str:
    """Return a sentence about images that only one side has.

    Args:
        images: at least one.
        where: which side has them.
        why: why that may be.
    """
    names = ", ".join(printable(image.file_name) for image in images[:_NAMES_SHOWN])
    more = ", ..." if len(images) > _NAMES_SHOWN else ""
    objects = sum(image.objects for image in images)
    return (
        f"Only in {where} ({why}) and not compared: {_count(len(images), 'image')} with "
        f"{_count(objects, 'object')}: {names}{more}"
    )


def _class_figures(figures: Figures) -> Table:
    columns = ("AP", "AP50", "AR100", "truth", "predictions")
    table = _table("COCO figures by class", "class", **dict.fromkeys(columns, "right"))
    for row in figures.by_class:
        table.add_row(
            _name(row.name),
            *(_number(value) for value in (row.AP, row.AP50, row.AR100)),
            str(row.truth),
            str(row.predictions),
        )
    return table


def _table(title: str, first: str, **columns: str) -> Table:
    table = Table(
        title=title,
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    table.add_column(first, overflow="fold")
    for name, side in columns.items():
        table.add_column(name, justify="right" if side == "right" else "left")
    return table


def _cells(fates: CorrectionCounts) -> Iterator[str]:
    share = "-" if fates.kept_share is None else f"{fates.kept_share:.1%}"
    before = (fates.moved, fates.relabelled, fates.deleted, fates.added, fates.truth)
    yield from (str(fates.pre), str(fates.kept), share, *map(str, before))


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _name(name: str) -> Text:
    """Return a class's name, which is no markup of ours."""
    return Text(printable(name))
