"""Read and check COCO files from any tool. Errors name a wrong value and its place in the file."""

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

_Content = TypeVar("_Content")
_CocoFile = TypeVar("_CocoFile", Instances, RunInstances)
_MAX_CHARACTERS = 60
_MAX_VALUES = 3


class _FileKind(NamedTuple):
    """What to say about a file that is not of this kind, and about one that has a wrong value."""

    other_kind: str
    remedy: str


_INSTANCES = _FileKind(
    other_kind="it is not a JSON object with images, categories and annotations. If it is a list "
    "of results, give it with --predictions.",
    remedy="Export the file again as COCO object detection, with boxes.",
)
_RESULTS = _FileKind(
    other_kind="it is not a JSON list. If it is a COCO file with images and annotations, give it "
    "with --truth; give the folder of a run with --run.",
    remedy="Each element of a COCO results list has image_id, category_id, bbox (x, y, w, h) and "
    "score.",
)


def read_truth(path: Path) -> Instances:
    """Read a ground truth: a COCO object detection file.

    Raises:
        InputFileError: the file cannot be read, is not a COCO object detection file, or refers to
            an image or a category that it does not have.
    """
    return _check_ids(_parse(TypeAdapter(Instances), path, _INSTANCES), path)


def read_run(folder: Path) -> RunInstances:
    """Read the pre-annotations in the folder of a run.

    Raises:
        InputFileError: the folder is not the folder of a run, or its COCO file was damaged.
    """
    path = folder / "annotations" / "instances_default.json"
    if not path.is_file():
        raise InputFileError(
            f"{path_text(folder)} is not the folder of a run: it has no annotations/"
            f"{path.name}. Give the folder that `pretag run` printed: OUT/<video>/<run id>."
        )
    return _check_ids(_parse(TypeAdapter(RunInstances), path, _INSTANCES), path)


def read_predictions(path: Path) -> list[Prediction]:
    """Read a COCO results list. It may be empty.

    Raises:
        InputFileError: the file cannot be read, or is not a COCO results list.
    """
    return _parse(TypeAdapter(Results), path, _RESULTS)


def unknown_ids(
    objects: Iterable[Annotation] | Iterable[Prediction], coco: Instances | RunInstances
) -> str | None:
    """Return the image or category ids of objects that a COCO file does not have.

    Returns:
        Text such as `image_id 7, 8`; None if the file has all ids.
    """
    images = {image.id for image in coco.images}
    categories = {category.id for category in coco.categories}
    unknown_images, unknown_categories = Counter[Any](), Counter[Any]()
    for each in objects:
        if each.image_id not in images:
            unknown_images[each.image_id] += 1
        if each.category_id not in categories:
            unknown_categories[each.category_id] += 1
    if unknown_images:
        return f"image_id {_first_values(unknown_images)}"
    return f"category_id {_first_values(unknown_categories)}" if unknown_categories else None


def short_json(value: object) -> str:
    """Return a value as JSON, cut to 60 characters. JSON escapes control characters."""
    text = json.dumps(value)
    return text if len(text) <= _MAX_CHARACTERS else f"{text[:_MAX_CHARACTERS]}..."


def _parse(adapter: TypeAdapter[_Content], path: Path, kind: _FileKind) -> _Content:
    name = path_text(path)
    try:
        # Editors on Windows write a byte order mark.
        text = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    except OSError as error:
        raise InputFileError(f"{name} cannot be read: {error.strerror}.") from error
    try:
        return adapter.validate_json(text)
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        raise InputFileError(f"{name} cannot be compared: {_problem(detail, kind)}") from error


def _problem(detail: ErrorDetails, kind: _FileKind) -> str:
    if detail["type"] == "json_invalid":
        return f"it is not JSON ({detail['ctx']['error']})."
    *parents, last = detail["loc"] or (None,)
    if last is None:
        return kind.other_kind
    value = short_json(detail["input"])
    if detail["type"] != "missing":
        rule = detail["msg"].removeprefix("Value error, ")
        message = f"{_json_path(detail['loc'])} is {value}: {rule[0].lower()}{rule[1:]}"
    elif isinstance(last, int):  # a bbox is the only list of fixed length
        message = f"{_json_path(parents)} is {value}: it must be x, y, w, h"
    else:
        message = f"{_json_path(parents)} has no {last}"
    return f"{message}. {kind.remedy}"


def _json_path(steps: Sequence[int | str]) -> str:
    """Return the place of a value in the file, such as `annotations[3].bbox[1]`."""
    names = [f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps]
    if steps and isinstance(steps[0], int):
        names.insert(0, "element ")
    return "".join(names).removeprefix(".") or "it"


def _first_values(values: Iterable[object]) -> str:
    """Return up to three values, and the number of the others."""
    values = list(values)
    others = len(values) - _MAX_VALUES
    more = f" and {others} more" if others > 0 else ""
    return ", ".join(map(short_json, values[:_MAX_VALUES])) + more


def _check_ids(coco: _CocoFile, path: Path) -> _CocoFile:
    """Check that ids are unique, and that annotations refer only to ids of the file."""
    for name, items in (("images", coco.images), ("categories", coco.categories)):
        counts = Counter(item.id for item in items)
        repeated = [each for each, count in counts.items() if count > 1]
        if repeated:
            raise InputFileError(
                f"{path_text(path)} cannot be compared: several of its {name} have the id "
                f"{_first_values(repeated)}. Export the file again, or give them unique ids."
            )
    unknown = unknown_ids(coco.annotations, coco)
    if unknown is not None:
        raise InputFileError(
            f"{path_text(path)} cannot be compared: annotations have {unknown}, which is not in "
            "its lists of images and categories. Export the file again."
        )
    return coco
