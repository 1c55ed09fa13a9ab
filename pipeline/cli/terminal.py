"""Output to a terminal.

Models, datasets and videos come from outside, and their text must not control the terminal: texts
go through `pipeline.text.printable`, and the console does not interpret them.
"""

from __future__ import annotations

import click
from rich.console import Console


def console() -> Console:
    """Return a console that prints text unchanged: no markup (`[/x]`), no emoji (`:x:`)."""
    return Console(markup=False, emoji=False, highlight=False)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, such as `1 image` or `2 images`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def confirmed(question: str, *, is_given: bool) -> bool:
    """Ask a question on standard error, and return whether the answer is yes.

    Args:
        question: the question, which ends with a question mark.
        is_given: whether the answer was given already. Then nothing is asked.
    """
    if is_given:
        return True
    try:
        return click.confirm(question, err=True)
    except click.Abort:  # nobody can answer, or Ctrl-C
        click.echo(err=True)
        return False
