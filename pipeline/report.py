"""The report: stage table and dataset statistics, for a person."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from pipeline import __version__
from pipeline.runlog import STAGES
from pipeline.text import plain

# What may begin markup within a line, a table's cell or HTML; "_" within words does not.
_MARKUP = re.compile(r"[\\`*\[<|]")

if TYPE_CHECKING:
    from jinja2 import Template

    from pipeline.dataset import Dataset
    from pipeline.runlog import RunLog


@dataclass(frozen=True)
class ClassRow:
    """A class's share of the dataset; sizes in pixels, medians over its objects."""

    label: str
    objects: int
    frames: int
    share: float
    median_score: float
    median_width: float
    median_height: float


@dataclass(frozen=True)
class PerFrame:
    """Objects in a kept frame."""

    median: float
    most: int


def report_markdown(dataset: Dataset, log: RunLog, run_id: str, model: str) -> str:
    """Return report.md."""
    found = [len(frame.detections) for frame in dataset.kept]
    drops = Counter(frame.twin.reason for frame in dataset.sampled if frame.twin is not None)
    return _template().render(
        dataset=dataset,
        log=log,
        run_id=run_id,
        model=model,
        version=__version__,
        stages=STAGES,
        drops=dict(sorted(drops.items())),
        empty=found.count(0),
        per_frame=PerFrame(float(np.median(found)) if found else 0.0, max(found, default=0)),
        classes=class_rows(dataset),
    )


def class_rows(dataset: Dataset) -> list[ClassRow]:
    """Return a row for each class that was found, the most frequent first."""
    if not dataset.kept:
        return []
    sizes = [len(frame.detections) for frame in dataset.kept]
    frame_numbers = np.repeat(np.arange(len(sizes)), sizes)
    boxes = np.concatenate([frame.detections.boxes for frame in dataset.kept])
    scores = np.concatenate([frame.detections.scores for frame in dataset.kept])
    class_ids = np.concatenate([frame.detections.class_ids for frame in dataset.kept])
    rows = []
    for class_id in np.unique(class_ids):
        mine = class_ids == class_id
        width, height = np.median(boxes[mine, 2:] - boxes[mine, :2], axis=0)
        rows.append(
            ClassRow(
                label=dataset.labels[class_id],
                objects=int(mine.sum()),
                frames=len(np.unique(frame_numbers[mine])),
                share=float(mine.mean()),
                median_score=float(np.median(scores[mine])),
                median_width=float(width),
                median_height=float(height),
            )
        )
    return sorted(rows, key=lambda row: (-row.objects, row.label))


def literally(text: str) -> str:
    """Return a stranger's text, a label or a key, as Markdown that shows it and no more."""
    return _MARKUP.sub(r"\\\g<0>", plain(text))


@cache
def _template() -> Template:
    # The report comes last; a cold start need not wait for its templating.
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415

    environment = Environment(
        loader=PackageLoader("pipeline", "."),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - Markdown, not HTML
        keep_trailing_newline=True,
    )
    environment.filters["literally"] = literally
    return environment.get_template("report.md.j2")
