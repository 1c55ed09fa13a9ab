"""Two sets of labels in one numbering: by ids, as COCO has it, or by names, which outlive tools.

Labelling tools number images and classes anew, put folders and upload ids before a file's name,
write backslashes, and change its suffix. So a run's images are found by name: as it is, by its last
part, without its suffix, without an upload id; only where exactly one on each side has it.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, TypeVar

from pipeline.errors import InputFileError
from pipeline.evaluation.coco_files import known_ids, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping

    from pipeline.evaluation.coco_models import (
        Annotation,
        Bbox,
        Category,
        Image,
        Instances,
        Prediction,
        RunInstances,
    )

_Key = TypeVar("_Key", bound="Hashable")


@dataclass(frozen=True, slots=True)
class Box:
    """A labelled object.

    Attributes:
        image: its image, from 0.
        category: its class, from 0.
        bbox: x, y, w, h in pixels.
        area: in square pixels, as the file has it; w x h where it has none.
        crowd: it stands for many objects.
        score: 0 to 1; 1 for a truth.
    """

    image: int
    category: int
    bbox: Bbox
    area: float
    crowd: bool
    score: float


@dataclass(frozen=True, slots=True)
class UnmatchedImage:
    """An image that only one side has, and how many objects it has there."""

    file_name: str
    objects: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is compared.

    Attributes:
        images: how many images both sides have.
        classes: the classes' names.
        found: what the model or run found in those images.
        truth: what is in them.
        only_in_run: images that the truth does not have; their objects are in no count.
        only_in_truth: images that the run does not have; their objects are in no count.
    """

    images: int
    classes: tuple[str, ...]
    found: list[Box]
    truth: list[Box]
    only_in_run: tuple[UnmatchedImage, ...] = ()
    only_in_truth: tuple[UnmatchedImage, ...] = ()


def by_ids(predictions: list[Prediction], truth: Instances) -> Comparison:
    """Compare predictions with a truth of the same ids.

    Raises:
        InputFileError: a prediction's image or class is not in the truth.
    """
    unknown = known_ids(predictions, truth)
    if unknown is not None:
        raise InputFileError(
            f"The predictions do not belong to this truth: it has no {unknown}. If a tool numbered "
            "the truth anew, compare the run's whole folder (--run), which goes by names."
        )
    # In the order of their ids, as pycocotools has it: it decides between equal scores.
    images = _numbered(sorted((image.id for image in truth.images), key=_by_kind))
    ordered = sorted(truth.categories, key=lambda category: _by_kind(category.id))
    classes = _numbered(category.id for category in ordered)
    return Comparison(
        images=len(images),
        classes=tuple(category.name for category in ordered),
        found=_boxes(predictions, images, classes),
        truth=_boxes(truth.annotations, images, classes),
    )


def by_names(run: RunInstances, truth: Instances) -> Comparison:
    """Compare a run with a truth by the names of images and classes.

    Raises:
        InputFileError: no image of the run is in the truth, or one of them has another size there.
    """
    pairs = _same_images(run.images, truth.images)
    if not pairs:
        raise InputFileError(
            "No image of the run is in the truth, by its file_name: the first of the run is "
            f"{_first_name(run.images)}, of the truth {_first_name(truth.images)}. Compare it with "
            "an export of its own images."
        )
    for ours, theirs in pairs:
        _check_size(ours, theirs)
    names = _numbered(sorted({each.name for each in (*run.categories, *truth.categories)}))
    our_images = {ours.id: number for number, (ours, _) in enumerate(pairs)}
    their_images = {theirs.id: number for number, (_, theirs) in enumerate(pairs)}
    return Comparison(
        images=len(pairs),
        classes=tuple(names),
        found=_boxes(run.annotations, our_images, _by_name(run.categories, names)),
        truth=_boxes(truth.annotations, their_images, _by_name(truth.categories, names)),
        only_in_run=_lone(run, our_images),
        only_in_truth=_lone(truth, their_images),
    )


def _by_kind(value: int | str) -> tuple[bool, int, str]:
    return (True, 0, value) if isinstance(value, str) else (False, value, "")


def _numbered(values: Iterable[_Key]) -> dict[_Key, int]:
    return {value: number for number, value in enumerate(values)}


def _by_name(categories: list[Category], names: Mapping[str, int]) -> dict[int | str, int]:
    return {category.id: names[category.name] for category in categories}


def _boxes(
    rows: Iterable[Annotation] | Iterable[Prediction],
    images: Mapping[int | str, int],
    classes: Mapping[int | str, int],
) -> list[Box]:
    return [
        Box(
            image=images[row.image_id],
            category=classes[row.category_id],
            bbox=row.bbox,
            area=row.area if row.area is not None else row.bbox[2] * row.bbox[3],
            crowd=row.iscrowd,
            score=row.score,
        )
        for row in rows
        if row.image_id in images
    ]


def _same_images(run: list[Image], truth: list[Image]) -> list[tuple[Image, Image]]:
    pairs: dict[int | str, Image] = {}
    for key in _KEYS:
        ours, theirs = _unique(run, key), _unique(truth, key)
        # Equal by one key is equal by all that follow: none is paired twice.
        pairs |= {ours[name].id: theirs[name] for name in ours.keys() & theirs.keys()}
    return [(image, pairs[image.id]) for image in run if image.id in pairs]


def _last_part(name: str) -> str:
    return PurePosixPath(name.replace("\\", "/")).name


def _without_suffix(name: str) -> str:
    return PurePosixPath(_last_part(name)).stem


def _without_upload_id(name: str) -> str:
    """Return the name that Label Studio stored as `cb0618f6-name`."""
    return re.sub(r"^[0-9a-f]{8}-", "", _without_suffix(name))


# Each makes less of a name than the one before.
_KEYS = (str, _last_part, _without_suffix, _without_upload_id)


def _unique(images: list[Image], key: Callable[[str], str]) -> dict[str, Image]:
    keys = [key(image.file_name) for image in images]
    counts = Counter(keys)
    return {
        name: image for name, image in zip(keys, images, strict=True) if name and counts[name] == 1
    }


def _check_size(ours: Image, theirs: Image) -> None:
    for axis in ("width", "height"):
        one, other = getattr(ours, axis), getattr(theirs, axis)
        if one and other and one != other:  # some tools write none, or 0
            raise InputFileError(
                f"Image {shown(ours.file_name)} is {one:g} pixels in {axis} in the run, and "
                f"{other:g} in the truth: their boxes cannot be compared. Export the truth in the "
                "size of the run's images."
            )


def _lone(
    coco: Instances | RunInstances, common: Mapping[int | str, int]
) -> tuple[UnmatchedImage, ...]:
    counts = Counter(each.image_id for each in coco.annotations)
    lone = (
        UnmatchedImage(image.file_name, counts[image.id])
        for image in coco.images
        if image.id not in common
    )
    return tuple(sorted(lone, key=lambda image: image.file_name))


def _first_name(images: list[Image]) -> str:
    return shown(images[0].file_name) if images else "none"
