"""`pretag model`: the detectors."""

import click
from rich.console import Console
from rich.table import Table

from pipeline.config import Config
from pipeline.detection.card import ModelCard
from pipeline.detection.model import models_at_hand


@click.group("model")
def models() -> None:
    """See which detectors there are."""


@models.command("list")
def list_models() -> None:
    """List the models at hand; * is the default."""
    table = Table(box=None, pad_edge=False)
    for column in ("", "name", "licence", "sha256"):  # to be copied: never shortened
        table.add_column(column, no_wrap=True)
    table.add_column("what it is", overflow="fold")
    for path in models_at_hand():
        card = ModelCard.beside(path)
        default = "*" if path.stem == Config().detector.model else ""
        if card is None:
            table.add_row(default, path.stem, "?", "?", "no card beside it")
        else:
            sha256 = (card.sha256 or "?")[:12]
            table.add_row(default, path.stem, card.licence or "?", sha256, card.description or "?")
    Console().print(table)
