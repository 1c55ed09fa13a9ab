"""The terminal, to which models and datasets, files of strangers, must do nothing."""

from __future__ import annotations

from rich.console import Console


def console() -> Console:
    """Return a console that takes text as it is: a label `[/x]` is no markup, `:x:` no emoji."""
    return Console(markup=False, emoji=False, highlight=False)
