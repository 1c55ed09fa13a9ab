"""Write the first version of a model card."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from typing import TYPE_CHECKING, get_args

import jinja2

from pipeline.cli.terminal import counted
from pipeline.detection.labels import labels_from_metadata
from pipeline.detection.model import Model, recognise_model
from pipeline.detection.preprocess import Resize
from pipeline.detection.registry import FAMILIES
from pipeline.detection.scaling import Filter
from pipeline.detection.unsupported import UnsupportedModelError
from pipeline.errors import BrokenError
from pipeline.text import printable, replace_surrogates

if TYPE_CHECKING:
    from pipeline.detection.families.common.base import DecodeSpec
    from pipeline.detection.opened_model import OpenedModel
    from pipeline.detection.preprocess_search import Better

# Errors about a missing card name the command that writes this card.
_CARD_HINT = re.compile(r" \(`pretag model card`[^)]*\)")
# How the labels of a model begin, by the first class id of its family.
_CLASS_LISTS = {
    0: "The first label is that of class 0. Write 1 if class 0 is the background.",
    1: "Class 0 is the background. The first label is that of class 1.",
    None: "The file does not show the class of the first label. Write 1 if class 0 is the "
    "background, or else 0.",
}


def card_text(opened: OpenedModel) -> str:
    """Return a model card as TOML. Known values are set; the other keys are comments."""
    model, refusal = None, None
    try:
        model = Model.from_opened(opened)
    except BrokenError as error:
        refusal = _CARD_HINT.sub("", str(error))
    family, spec = (model.family, model.spec) if model else _recognise(opened)
    environment = jinja2.Environment(  # noqa: S701 - the filter `toml` quotes text, not HTML
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.filters |= {"toml": _toml, "printable": printable}
    template = environment.from_string(files("pipeline.cli").joinpath("card.toml.j2").read_text())
    return template.render(
        sha256=opened.sha256,
        name=opened.path.stem,
        model=model,
        refusal=refusal,
        family=family,
        spec=spec,
        labels=_labels(opened),
        class_list=_CLASS_LISTS[spec.first_class_id if spec else None],
        families=[each.name for each in FAMILIES],
        resizes=get_args(Resize),
        filters=get_args(Filter),
    )


def better_preprocess_text(better: Better) -> str:
    """Return how much more a model finds with another preprocessing, and its lines for a card."""
    count, best = len(better.detections), better.detections.scores.max()
    lines = "".join(f"\n{key} = {_toml(value)}" for key, value in better.changes.items())
    return (
        f"with another preprocessing the model finds {counted(count, 'object')}, also in the "
        f"mirrored image, the best one with a score of {best:.2f}. If that is right, write on its "
        f"card:\n\n[preprocess]{lines}"
    )


def _labels(opened: OpenedModel) -> tuple[str, ...] | None:
    try:
        return labels_from_metadata(opened.graph)
    except UnsupportedModelError:
        return None


def _recognise(opened: OpenedModel) -> tuple[str, DecodeSpec] | tuple[None, None]:
    """Return the family and decode spec of a model that is refused for another reason."""
    try:
        family, spec = recognise_model(opened)
    except UnsupportedModelError:
        return None, None
    return family.name, spec


def _toml(value: object) -> str:
    """Return text or numbers as TOML.

    JSON strings are TOML basic strings, except that TOML escapes DEL and does not allow lone
    surrogates: https://toml.io/en/v1.0.0#string
    """
    return replace_surrogates(json.dumps(value, ensure_ascii=False)).replace("\x7f", "\\u007f")
