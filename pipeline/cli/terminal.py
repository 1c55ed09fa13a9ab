"""What is safe to show on a terminal: models and datasets are files of strangers."""

from __future__ import annotations

from rich.console import Console


def console() -> Console:
    """Return a console that takes text as it is: a label `[/x]` is no markup, `:x:` no emoji."""
    return Console(markup=False, emoji=False, highlight=False)


def plain(text: str) -> str:
    """Return text in one line of characters that do nothing to a terminal."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)
