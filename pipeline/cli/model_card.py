"""A model card to start from."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING

import jinja2

from pipeline.detection.families import FAMILIES
from pipeline.detection.labels import names_in_metadata
from pipeline.detection.model import Model
from pipeline.errors import BrokenError

if TYPE_CHECKING:
    from pipeline.detection.opened import OpenedModel


def card_text(opened: OpenedModel) -> str:
    """Return a card as TOML: what is known of the model as it is, the rest as comments."""
    try:
        model = Model.of(opened)
        refusal = None
    except BrokenError as error:
        model, refusal = None, str(error)
    environment = jinja2.Environment(  # noqa: S701 - TOML; its strings are quoted by the filter
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    # JSON's strings are TOML's basic strings, once nothing but ASCII is in them.
    environment.filters["toml"] = json.dumps
    template = environment.from_string(files("pipeline.cli").joinpath("card.toml.j2").read_text())
    return template.render(
        sha256=opened.sha256,
        name=opened.path.stem,
        model=model,
        refusal=refusal,
        labels=names_in_metadata(opened.graph),
        families=[family.name for family in FAMILIES],
    )
