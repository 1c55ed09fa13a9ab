"""Write index.html: one file without scripts, which loads nothing from anywhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.dataset.pages import page_environment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.dataset.index.row import Row

MOST_ROWS = 500
_LONGEST_TEXT = 300


def index_html(rows: Sequence[Row], *, results: int, place: str, made: str) -> str:
    """Return index.html, of at most 3 MB whatever the number of results.

    Args:
        rows: the newest results, in any order; at most 500 are shown.
        results: number of all results.
        place: folder or prefix, for the heading.
        made: when the page was made, in UTC.
    """
    from markupsafe import Markup  # noqa: PLC0415 - few need it

    environment = page_environment("pipeline.dataset.index", _LONGEST_TEXT)
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
