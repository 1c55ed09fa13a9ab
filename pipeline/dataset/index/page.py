"""Write index.html: one file without scripts, which loads nothing from anywhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.text import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.dataset.index.row import Row

MOST_ROWS = 500
_LONGEST_TEXT = 300


def index_html(rows: Sequence[Row], *, results: int, place: str, made: str) -> str:
    """Return index.html, of less than 1 MB whatever the number of results.

    Args:
        rows: the newest results, in any order; at most 500 are shown.
        results: number of all results.
        place: folder or prefix, for the heading.
        made: when the page was made, in UTC.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - takes long
    from markupsafe import Markup  # noqa: PLC0415

    environment = Environment(
        loader=PackageLoader("pipeline.dataset.index", "."),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_safe,
    )
    # A link is not cut off: a key has at most 1,024 bytes, and `quote` left nothing to escape.
    environment.filters["whole"] = Markup
    newest = sorted(rows, key=lambda row: (row.ended, row.video), reverse=True)[:MOST_ROWS]
    return environment.get_template("index.html.j2").render(
        rows=newest,
        results=results,
        place=place,
        made=made,
        rejected=sum(row.reason is not None for row in newest),
        drifted=sum(row.has_drifted for row in newest),
        dollars=sum(row.dollars or 0 for row in newest),
    )


def _safe(value: object) -> object:
    """Return text from outside on one line, and of bounded length. jinja2 escapes it."""
    if type(value) is not str:
        return value
    text = printable(value)
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}..."
