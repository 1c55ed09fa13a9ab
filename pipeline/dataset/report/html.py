"""Write report.html: one file without scripts, which loads nothing from anywhere else."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from pipeline.dataset.pages import page_environment
from pipeline.dataset.palette import COLOURS
from pipeline.dataset.report.sheet import MOST_BOXES, sheet_frames
from pipeline.resources import prices
from pipeline.text import shortened

if TYPE_CHECKING:
    from jinja2 import Template

    from pipeline.dataset.dataset import Dataset
    from pipeline.dataset.report.figures import Figures

_MOST_CLASSES = 30
_MOST_SWITCHES = 10
_LONGEST_TEXT = 1000


def report_html(figures: Figures, dataset: Dataset) -> str:
    """Return report.html.

    Args:
        figures: the figures of the run.
        dataset: its kept frames, thumbnails and labels, for the contact sheet.
    """
    classes = figures.objects.classes
    return _template().render(
        figures=figures,
        frames=sheet_frames(dataset),
        classes=classes[:_MOST_CLASSES],
        more_classes=classes[_MOST_CLASSES:],
        switches=classes[:_MOST_SWITCHES],
        colours=COLOURS,
        most_boxes=MOST_BOXES,
        prices=prices,
    )


@cache
def _template() -> Template:
    # Imported late, because the report comes last and a cold start should not wait for them.
    from markupsafe import Markup  # noqa: PLC0415

    from pipeline.dataset.report import charts, words  # noqa: PLC0415 - charts needs markupsafe

    environment = page_environment("pipeline.dataset.report", _LONGEST_TEXT)
    environment.filters["short"] = shortened
    css = Markup(files(__package__).joinpath("report.css").read_text())  # noqa: S704 - our own
    environment.globals.update(charts=charts, words=words, css=css)
    return environment.get_template("report.html.j2")
