"""The jinja2 environment of HTML pages: text from outside is shown as it is, and cannot be long."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.text import printable

if TYPE_CHECKING:
    from jinja2 import Environment


def page_environment(package: str, longest_text: int) -> Environment:
    """Return the environment for the templates of a package.

    Text is escaped, and put on one line. What is markup already was made by our own code.

    Args:
        package: where the templates are.
        longest_text: number of characters of a value after which it is cut off.
    """
    # Imported late, because pages come last and a cold start should not wait for jinja2.
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415

    def safe(value: object) -> object:
        if type(value) is not str:
            return value
        text = printable(value)
        return text if len(text) <= longest_text else f"{text[:longest_text]}..."

    return Environment(
        loader=PackageLoader(package, "."),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=safe,
    )
