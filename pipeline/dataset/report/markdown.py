"""Write report.md: the figures in Markdown."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from pipeline.resources import prices
from pipeline.text import printable

if TYPE_CHECKING:
    from jinja2 import Template

    from pipeline.dataset.report.figures import Figures

# What can start markup in a line, a table cell, HTML or a formula; "_" within a word does not. "//"
# and "www." start a link in GitHub's Markdown.
_MARKUP = re.compile(
    r"[\\`*~<>\[\]|&!#$@{}^=]|(?<![^\W_])_|_(?![^\W_])|:(?=//)|(?<=www)\.", re.IGNORECASE
)


def report_markdown(figures: Figures) -> str:
    """Return report.md."""
    return _template().render(figures=figures, prices=prices)


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
        loader=PackageLoader("pipeline.dataset.report", "."),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - Markdown, not HTML
        keep_trailing_newline=True,
    )
    environment.filters["escape_markdown"] = escape_markdown
    return environment.get_template("report.md.j2")
