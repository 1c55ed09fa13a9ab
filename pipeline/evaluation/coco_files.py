"""COCO files of any tool, read and checked: what is wrong in one is named, by where it stands."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from pydantic import TypeAdapter, ValidationError

from pipeline.errors import InputFileError
from pipeline.evaluation.coco_models import Instances, Results, RunInstances
from pipeline.text import path_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from pydantic_core import ErrorDetails

    from pipeline.evaluation.coco_models import Annotation, Prediction

_Checked = TypeVar("_Checked", Instances, RunInstances)
_Whole = TypeVar("_Whole")
_SHOWN_CHARACTERS = 60


class _Kind(NamedTuple):
    """What a file should be: said of one that is something else, and of one with a flaw."""

    other: str
    flawed: str


_INSTANCES = _Kind(
    "it holds no JSON object with images, categories and annotations. A list is a results file, "
    "which belongs to --predictions.",
    "Export it anew as COCO object detection, with boxes.",
)
_RESULTS = _Kind(
    "it holds no JSON list. A COCO file with images and annotations belongs to --truth, a run's "
    "whole folder to --run.",
    "Each element of a COCO results list has image_id, category_id, bbox (x, y, w, h) and score.",
)


def read_truth(path: Path) -> Instances:
    """Read the truth: a COCO object detection file.

    Raises:
        InputFileError: it cannot be read, is no such file, or contradicts itself.
    """
    truth = _parsed(TypeAdapter(Instances), path, _INSTANCES)
    return _consistent(truth, path)


def read_run(folder: Path) -> RunInstances:
    """Read the pre-annotations of a run, by its folder.

    Raises:
        InputFileError: it is no folder of a run, or its file was changed into none.
    """
    path = folder / "annotations" / "instances_default.json"
    if not path.is_file():
        raise InputFileError(
            f"{path_text(folder)} is not the folder of a result: it has no annotations/"
            f"{path.name}. Name the folder that `pretag run` printed: OUT/<video>/<run id>."
        )
    run = _parsed(TypeAdapter(RunInstances), path, _INSTANCES)
    return _consistent(run, path)


def read_predictions(path: Path) -> list[Prediction]:
    """Read a COCO results list; it may be empty.

    Raises:
        InputFileError: it cannot be read, or is no such list.
    """
    return _parsed(TypeAdapter(Results), path, _RESULTS)


def known_ids(
    objects: Iterable[Annotation] | Iterable[Prediction], truth: Instances | RunInstances
) -> str | None:
    """Check that all objects are of an image and a class that there are.

    Returns:
        What is not there, as the end of a sentence; None if all is.
    """
    images = {image.id for image in truth.images}
    categories = {category.id for category in truth.categories}
    strange_images, strange_categories = Counter[Any](), Counter[Any]()
    for each in objects:
        if each.image_id not in images:
            strange_images[each.image_id] += 1
        if each.category_id not in categories:
            strange_categories[each.category_id] += 1
    if strange_images:
        return f"image_id {_some(strange_images)}"
    return f"category_id {_some(strange_categories)}" if strange_categories else None


def _parsed(adapter: TypeAdapter[_Whole], path: Path, kind: _Kind) -> _Whole:
    name = path_text(path)
    try:
        text = path.read_bytes().removeprefix(b"\xef\xbb\xbf")  # editors on Windows write a mark
    except OSError as error:
        raise InputFileError(f"{name} cannot be read: {error.strerror}.") from error
    try:
        return adapter.validate_json(text)
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        raise InputFileError(f"{name} cannot be compared: {_problem(detail, kind)}") from error


def _problem(detail: ErrorDetails, kind: _Kind) -> str:
    if detail["type"] == "json_invalid":
        return f"it is not JSON ({detail['ctx']['error']})."
    *parents, last = detail["loc"] or (None,)
    if last is None:
        return kind.other
    if detail["type"] != "missing":
        message = detail["msg"].removeprefix("Value error, ")
        message = f"{_place(detail['loc'])} is {shown(detail['input'])}: {_lower(message)}"
    elif isinstance(last, int):  # the only rows of fixed length
        message = f"{_place(parents)} is {shown(detail['input'])}: it must be x, y, w, h"
    else:
        message = f"{_place(parents)} has no {last}"
    return f"{message}. {kind.flawed}"


def _lower(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]


def _place(steps: Sequence[int | str]) -> str:
    """Return where something stands, such as `annotations[3].bbox[1]`."""
    names = [f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps]
    if steps and isinstance(steps[0], int):
        names.insert(0, "element ")
    return "".join(names).removeprefix(".") or "it"


def shown(value: object) -> str:
    """Return a value of a file as short JSON: what it holds may be long, or move the cursor."""
    text = json.dumps(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."


def _some(values: Iterable[object]) -> str:
    """Return up to three values, and how many more there are."""
    values = list(values)
    more = f" and {len(values) - 3} more" if len(values) > 3 else ""  # noqa: PLR2004 - see above
    return ", ".join(map(shown, values[:3])) + more


def _consistent(coco: _Checked, path: Path) -> _Checked:
    for kind, parts in (("images", coco.images), ("categories", coco.categories)):
        counts = Counter(part.id for part in parts)
        twice = [each for each, count in counts.items() if count > 1]
        if twice:
            raise InputFileError(
                f"{path_text(path)} contradicts itself: several of its {kind} have the id "
                f"{_some(twice)}. Export it anew, or number them anew."
            )
    unknown = known_ids(coco.annotations, coco)
    if unknown is not None:
        raise InputFileError(
            f"{path_text(path)} contradicts itself: annotations have {unknown}, which its own "
            "lists of images and categories do not have. Export it anew."
        )
    return coco
