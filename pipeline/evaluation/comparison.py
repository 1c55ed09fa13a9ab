"""Match the images and classes of two sets of labels, by id or by name.

COCO results lists use the ids of their ground truth, so predictions are matched by id. Labelling
tools give images and classes new ids, put folders and upload ids before a file name, write
backslashes, and change the suffix. So the images of a run are matched by video (`videos`), and then
by name, in five steps: the whole name, its last part, the last part without suffix, that without
upload id, and the frame alone. Two images match only if no other image of the video has the same
name.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, TypeVar

from pipeline.errors import InputFileError
from pipeline.evaluation.coco_files import short_json, unknown_ids
from pipeline.evaluation.frame_names import frame_name
from pipeline.evaluation.run_names import UNKNOWN
from pipeline.evaluation.videos import images_of_run

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
    from pipeline.evaluation.run_names import RunNames
    from pipeline.evaluation.videos import ToldBy

_Value = TypeVar("_Value", bound="Hashable")


@dataclass(frozen=True, slots=True)
class Box:
    """A labelled object.

    Attributes:
        image_index: index of its image, from 0.
        class_index: index of its class in `Comparison.class_names`.
        bbox: x, y, w, h in pixels.
        area: area from the file, in square pixels; w x h if the file has none.
        is_crowd: whether the box stands for a crowd region (COCO's `iscrowd`).
        score: 0 to 1; 1 in a ground truth.
    """

    image_index: int
    class_index: int
    bbox: Bbox
    area: float
    is_crowd: bool
    score: float


@dataclass(frozen=True, slots=True)
class UnmatchedImage:
    """An image that only one side has, with the number of its objects."""

    file_name: str
    objects: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two sets of boxes with common image indexes and class indexes.

    Attributes:
        image_count: number of images that both sides have.
        class_names: names of the classes.
        predicted: boxes of the model or the run in those images.
        truth: boxes of the ground truth in those images.
        only_in_run: images that the truth does not have. Their objects are not counted.
        only_in_truth: images that the run does not have. Their objects are not counted.
        of_other_videos: images of the truth that are of other videos. They are not counted either.
        told_by: what told the video of the run from others; None if it was not asked.
        same_boxes: number of boxes with the very same numbers on both sides.
    """

    image_count: int
    class_names: tuple[str, ...]
    predicted: list[Box]
    truth: list[Box]
    only_in_run: tuple[UnmatchedImage, ...] = ()
    only_in_truth: tuple[UnmatchedImage, ...] = ()
    of_other_videos: tuple[UnmatchedImage, ...] = ()
    told_by: ToldBy | None = None
    same_boxes: int = 0


def compare_by_ids(predictions: list[Prediction], truth: Instances) -> Comparison:
    """Match predictions with a ground truth that has the same ids.

    Raises:
        InputFileError: the truth does not have the image or the class of a prediction.
    """
    unknown = unknown_ids(predictions, truth)
    if unknown is not None:
        raise InputFileError(
            f"The predictions do not belong to this truth: it has no {unknown}. If a tool changed "
            "the ids of the truth, compare the folder of the run (--run), which is matched by name."
        )
    # pycocotools takes images in the order of their ids. The order decides between equal scores.
    images = _indexes(sorted((image.id for image in truth.images), key=_id_order))
    categories = sorted(truth.categories, key=lambda category: _id_order(category.id))
    classes = _indexes(category.id for category in categories)
    return Comparison(
        image_count=len(images),
        class_names=tuple(category.name for category in categories),
        predicted=_boxes(predictions, images, classes),
        truth=_boxes(truth.annotations, images, classes),
    )


def compare_by_names(run: RunInstances, truth: Instances, names: RunNames = UNKNOWN) -> Comparison:
    """Match a run with a ground truth by video, and by the names of images and classes.

    Raises:
        InputFileError: no image of the run is in the truth, or an image has another size there, or
            nothing tells which images of the truth are of the run's video.
    """
    found = images_of_run(run, truth, names)
    matches = _match_images(run.images, found.of_run)
    if not matches:
        raise InputFileError(
            "No image of the run is in the truth, by its file_name. The first image of the run is "
            f"{_first_name(run.images)}, of the truth {_first_name(truth.images)}. Compare the run "
            "with an export of its own images."
        )
    for run_image, truth_image in matches:
        _check_same_size(run_image, truth_image)
    class_indexes = _indexes(sorted({each.name for each in (*run.categories, *truth.categories)}))
    run_images = _indexes(run_image.id for run_image, _ in matches)
    truth_images = _indexes(truth_image.id for _, truth_image in matches)
    return Comparison(
        image_count=len(matches),
        class_names=tuple(class_indexes),
        predicted=_boxes(run.annotations, run_images, _by_id(run.categories, class_indexes)),
        truth=_boxes(truth.annotations, truth_images, _by_id(truth.categories, class_indexes)),
        only_in_run=_unmatched_images(run, run.images, run_images),
        only_in_truth=_unmatched_images(truth, found.of_run, truth_images),
        of_other_videos=_unmatched_images(truth, found.of_others, truth_images),
        told_by=found.told_by,
        same_boxes=found.same_boxes,
    )


def _id_order(value: int | str) -> tuple[bool, int, str]:
    """Return a sort key that puts whole numbers before texts."""
    return (True, 0, value) if isinstance(value, str) else (False, value, "")


def _indexes(values: Iterable[_Value]) -> dict[_Value, int]:
    return {value: index for index, value in enumerate(values)}


def _by_id(categories: list[Category], class_indexes: Mapping[str, int]) -> dict[int | str, int]:
    return {category.id: class_indexes[category.name] for category in categories}


def _boxes(
    objects: Iterable[Annotation] | Iterable[Prediction],
    images: Mapping[int | str, int],
    classes: Mapping[int | str, int],
) -> list[Box]:
    return [
        Box(
            image_index=images[each.image_id],
            class_index=classes[each.category_id],
            bbox=each.bbox,
            area=each.area if each.area is not None else each.bbox[2] * each.bbox[3],
            is_crowd=each.iscrowd,
            score=each.score,
        )
        for each in objects
        if each.image_id in images
    ]


def _match_images(run: list[Image], truth: list[Image]) -> list[tuple[Image, Image]]:
    """Return the pairs of images that have the same name, in the order of the run."""
    matches: dict[int | str, Image] = {}
    for shorten in _NAME_STEPS:
        run_images, truth_images = _unique_names(run, shorten), _unique_names(truth, shorten)
        # Names that are equal after one step are equal after all later steps. So a later step
        # cannot match an image again with another one.
        common = run_images.keys() & truth_images.keys()
        matches |= {run_images[name].id: truth_images[name] for name in common}
    return [(image, matches[image.id]) for image in run if image.id in matches]


def _last_part(name: str) -> str:
    return PurePosixPath(name.replace("\\", "/")).name


def _without_suffix(name: str) -> str:
    return PurePosixPath(_last_part(name)).stem


def _without_upload_id(name: str) -> str:
    """Return the name that Label Studio stored as `cb0618f6-name`."""
    return re.sub(r"^[0-9a-f]{8}-", "", _without_suffix(name))


# Each step shortens a name more than the step before.
_NAME_STEPS = (str, _last_part, _without_suffix, _without_upload_id, frame_name)


def _unique_names(images: list[Image], shorten: Callable[[str], str]) -> dict[str, Image]:
    names = [shorten(image.file_name) for image in images]
    counts = Counter(names)
    return {
        name: image for name, image in zip(names, images, strict=True) if name and counts[name] == 1
    }


def _check_same_size(run_image: Image, truth_image: Image) -> None:
    for axis in ("width", "height"):
        in_run, in_truth = getattr(run_image, axis), getattr(truth_image, axis)
        if in_run and in_truth and in_run != in_truth:  # some tools write no size, or 0
            raise InputFileError(
                f"Image {short_json(run_image.file_name)} has a {axis} of {in_run:g} pixels in the "
                f"run and of {in_truth:g} in the truth, so boxes cannot be compared. Export the "
                "truth in the size of the run's images."
            )


def _unmatched_images(
    coco: Instances | RunInstances, images: Iterable[Image], matched: Mapping[int | str, int]
) -> tuple[UnmatchedImage, ...]:
    counts = Counter(each.image_id for each in coco.annotations)
    unmatched = (
        UnmatchedImage(image.file_name, counts[image.id])
        for image in images
        if image.id not in matched
    )
    return tuple(sorted(unmatched, key=lambda image: image.file_name))


def _first_name(images: list[Image]) -> str:
    return short_json(images[0].file_name) if images else "none"
