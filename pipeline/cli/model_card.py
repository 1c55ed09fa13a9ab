"""A model card to start from."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, get_args

import jinja2

from pipeline.detection.families import FAMILIES
from pipeline.detection.labels import names_in_metadata
from pipeline.detection.model import Model, recognised
from pipeline.detection.placement import Filter
from pipeline.detection.preprocess import Resize
from pipeline.detection.unfit import UnfitError
from pipeline.errors import BrokenError
from pipeline.text import plain, whole

if TYPE_CHECKING:
    from pipeline.detection.families.family import Reading
    from pipeline.detection.opened import OpenedModel


def card_text(opened: OpenedModel) -> str:
    """Return a card as TOML: what is known of the model as it is, the rest as comments."""
    model, refusal = None, None
    try:
        model = Model.of(opened)
    except BrokenError as error:
        refusal = str(error)
    family, reading = (model.family, model.reading) if model else _known(opened)
    environment = jinja2.Environment(  # noqa: S701 - TOML; its strings are quoted by the filter
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.filters |= {"toml": _toml, "plain": plain}
    template = environment.from_string(files("pipeline.cli").joinpath("card.toml.j2").read_text())
    return template.render(
        sha256=opened.sha256,
        name=opened.path.stem,
        model=model,
        refusal=refusal,
        family=family,
        reading=reading,
        labels=_labels(opened),
        families=[each.name for each in FAMILIES],
        resizes=get_args(Resize),
        filters=get_args(Filter),
    )


def _labels(opened: OpenedModel) -> tuple[str, ...] | None:
    try:
        return names_in_metadata(opened.graph)
    except UnfitError:
        return None


def _known(opened: OpenedModel) -> tuple[str, Reading] | tuple[None, None]:
    """Return the family and reading of a model that is refused for its labels alone."""
    try:
        family, reading = recognised(opened)
    except UnfitError:
        return None, None
    return family.name, reading


def _toml(value: object) -> str:
    """Return text, or numbers, as in TOML.

    JSON's strings are TOML's basic strings, save that TOML has DEL escaped, and no halves of
    characters: https://toml.io/en/v1.0.0#string
    """
    return whole(json.dumps(value, ensure_ascii=False)).replace("\x7f", "\\u007f")
