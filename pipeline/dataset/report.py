"""Write the report: a stage table and dataset statistics, in Markdown."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from pipeline import __version__
from pipeline.frame import Detections
from pipeline.runlog import STAGE_UNITS
from pipeline.text import printable

if TYPE_CHECKING:
    from jinja2 import Template

    from pipeline.dataset.dataset import Dataset
    from pipeline.runlog import RunLog

# What can start markup in a line, a table cell, HTML or a formula; "_" within a word does not. "//"
# and "www." start a link in GitHub's Markdown.
_MARKUP = re.compile(
    r"[\\`*~<>\[\]|&!#$@{}^=]|(?<![^\W_])_|_(?![^\W_])|:(?=//)|(?<=www)\.", re.IGNORECASE
)


@dataclass(frozen=True)
class ClassRow:
    """Statistics of one class.

    Attributes:
        label: the class.
        objects: number of objects.
        frames: number of frames with at least one object.
        share: share of all objects, 0 to 1.
        median_score: median score of its objects, 0 to 1.
        median_width, median_height: median size of its boxes, in displayed pixels.
    """

    label: str
    objects: int
    frames: int
    share: float
    median_score: float
    median_width: float
    median_height: float


@dataclass(frozen=True)
class PerFrame:
    """Median and largest number of objects in a kept frame."""

    median: float
    most: int


def report_markdown(dataset: Dataset, log: RunLog, run_id: str, model: str) -> str:
    """Return report.md."""
    found = [len(frame.detections) for frame in dataset.kept]
    drops = Counter(frame.duplicate.reason for frame in dataset.frames if frame.duplicate)
    return _template().render(
        dataset=dataset,
        log=log,
        run_id=run_id,
        model=model,
        version=__version__,
        stages=STAGE_UNITS,
        drops=dict(sorted(drops.items())),
        empty=found.count(0),
        per_frame=PerFrame(float(np.median(found)) if found else 0.0, max(found, default=0)),
        classes=class_rows(dataset),
    )


def class_rows(dataset: Dataset) -> list[ClassRow]:
    """Return a row for each class that was found, the most frequent class first."""
    if not dataset.kept:
        return []
    sizes = [len(frame.detections) for frame in dataset.kept]
    frame_numbers = np.repeat(np.arange(len(sizes)), sizes)
    every = Detections.concat([frame.detections for frame in dataset.kept])
    rows = []
    for class_id in np.unique(every.class_ids):
        is_of_class = every.class_ids == class_id
        objects = every[is_of_class]
        width, height = np.median(objects.boxes[:, 2:] - objects.boxes[:, :2], axis=0)
        rows.append(
            ClassRow(
                label=dataset.labels[class_id],
                objects=len(objects),
                frames=len(np.unique(frame_numbers[is_of_class])),
                share=float(is_of_class.mean()),
                median_score=float(np.median(objects.scores)),
                median_width=float(width),
                median_height=float(height),
            )
        )
    return sorted(rows, key=lambda row: (-row.objects, row.label))


def escape_markdown(text: str) -> str:
    """Return text from outside, such as a label, as Markdown that shows it literally.

    A numeric character reference is text wherever it stands, also in a table, where a backslash
    before "|" may itself be escaped: https://spec.commonmark.org/0.31.2/#entity-and-numeric-character-references
    """
    return _MARKUP.sub(lambda match: f"&#{ord(match[0])};", printable(text))


@cache
def _template() -> Template:
    # Imported late, because the report comes last and a cold start should not wait for jinja2.
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415

    environment = Environment(
        loader=PackageLoader("pipeline.dataset", "."),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - Markdown, not HTML
        keep_trailing_newline=True,
    )
    environment.filters["escape_markdown"] = escape_markdown
    return environment.get_template("report.md.j2")
