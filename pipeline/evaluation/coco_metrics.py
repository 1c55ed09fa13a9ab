"""Compute pycocotools' metrics for boxes, over all classes and for each class."""

from __future__ import annotations

import io
from collections import Counter, defaultdict
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from pipeline.evaluation.comparison import Box, Comparison

# The 12 metrics with their meanings, in the order of pycocotools' `COCOeval.stats`.
METRICS = {
    "AP": "precision, averaged over recall and IoU 0.50 to 0.95",
    "AP50": "AP at IoU 0.50: the box is roughly in place",
    "AP75": "AP at IoU 0.75: the box is well in place",
    "APs": "AP of objects below 32 x 32 pixels",
    "APm": "AP of objects from 32 x 32 to 96 x 96 pixels",
    "APl": "AP of objects above 96 x 96 pixels",
    "AR1": "recall, 1 box for each image and class",
    "AR10": "recall, 10 boxes for each image and class",
    "AR100": "recall, 100 boxes for each image and class",
    "ARs": "AR100 of objects below 32 x 32 pixels",
    "ARm": "AR100 of objects from 32 x 32 to 96 x 96 pixels",
    "ARl": "AR100 of objects above 96 x 96 pixels",
}
_DECIMALS = 6
# Indexes in the last two axes of pycocotools' arrays: all areas, and at most 100 boxes.
_ALL_AREAS, _MAX_100_BOXES = 0, 2


@dataclass(frozen=True)
class ClassMetrics:
    """The metrics of a class, 0 to 1; None if the truth has no object of the class.

    `truth` is the number of its objects without crowd regions, `predictions` the number of
    predicted boxes.
    """

    name: str
    AP: float | None
    AP50: float | None
    AR100: float | None
    truth: int
    predictions: int


@dataclass(frozen=True)
class Metrics:
    """The metrics of a comparison.

    Attributes:
        overall: the 12 metrics of METRICS, 0 to 1; None if the truth has no such object.
        by_class: the metrics of each class, by name.
    """

    overall: dict[str, float | None]
    by_class: tuple[ClassMetrics, ...]


def compute_metrics(comparison: Comparison) -> Metrics:
    """Return pycocotools' metrics. Classes that neither side has are left out."""
    truth = Counter(box.class_index for box in comparison.truth if not box.is_crowd)
    predicted = Counter(box.class_index for box in comparison.predicted)
    classes = sorted({box.class_index for box in (*comparison.truth, *comparison.predicted)})
    if not classes:
        return Metrics(dict.fromkeys(METRICS), ())
    evaluation = _evaluate(comparison, classes)
    precision, recall = evaluation.eval["precision"], evaluation.eval["recall"]
    by_class = (
        ClassMetrics(
            name=comparison.class_names[class_index],
            AP=_mean(precision[:, :, position, _ALL_AREAS, _MAX_100_BOXES]),
            AP50=_mean(precision[0, :, position, _ALL_AREAS, _MAX_100_BOXES]),
            AR100=_mean(recall[:, position, _ALL_AREAS, _MAX_100_BOXES]),
            truth=truth[class_index],
            predictions=predicted[class_index],
        )
        for position, class_index in enumerate(classes)
    )
    overall = {
        name: _metric(value) for name, value in zip(METRICS, evaluation.stats.tolist(), strict=True)
    }
    return Metrics(overall, tuple(sorted(by_class, key=lambda row: row.name)))


def _evaluate(comparison: Comparison, classes: list[int]) -> Any:  # noqa: ANN401 - no types
    """Return a summarised `COCOeval` whose arrays are in the order of the classes.

    Each class is evaluated alone, in the images that have it. The numbers are the same, and memory
    is needed for one class only: evaluating 20,000 images with 80 classes in one call took more
    than 7 GB.
    """
    # No other command needs pycocotools.
    from pycocotools.cocoeval import COCOeval  # noqa: PLC0415

    images: defaultdict[int, set[int]] = defaultdict(set)
    for box in (*comparison.truth, *comparison.predicted):
        images[box.class_index].add(box.image_index)
    with redirect_stdout(io.StringIO()):  # pycocotools prints its progress
        truth = _coco_index(comparison, comparison.truth)
        predicted = _coco_index(comparison, comparison.predicted)
        parts = []
        for class_index in classes:
            part = COCOeval(truth, predicted, "bbox")
            part.params.catIds, part.params.imgIds = [class_index], sorted(images[class_index])
            part.evaluate()
            part.accumulate()
            parts.append(part.eval)
        total = COCOeval(iouType="bbox")
        total.eval = {
            "precision": np.concatenate([part["precision"] for part in parts], axis=2),
            "recall": np.concatenate([part["recall"] for part in parts], axis=1),
        }
        total.summarize()
    return total


def _coco_index(comparison: Comparison, boxes: Iterable[Box]) -> Any:  # noqa: ANN401 - no types
    """Return pycocotools' index of boxes, for a truth or for predictions.

    pycocotools' `loadRes` fails for an empty list of predictions, so it is not used. Ids of objects
    start at 1, because `COCOeval` takes a match with object 0 for no match:
    https://github.com/cocodataset/cocoapi/pull/332.
    """
    from pycocotools.coco import COCO  # noqa: PLC0415

    coco = COCO()
    coco.dataset = {
        "images": [{"id": index} for index in range(comparison.image_count)],
        "categories": [{"id": index} for index in range(len(comparison.class_names))],
        "annotations": [
            {
                "id": number,
                "image_id": box.image_index,
                "category_id": box.class_index,
                "bbox": list(box.bbox),
                "area": box.area,
                "iscrowd": int(box.is_crowd),
                "score": box.score,
            }
            for number, box in enumerate(boxes, start=1)
        ],
    }
    coco.createIndex()
    return coco


def _mean(values: NDArray[np.float64]) -> float | None:
    """Return the mean of a class's values. All are -1 if the truth has no object of the class."""
    return _metric(float(values.mean()))


def _metric(value: float) -> float | None:
    return None if value < 0 else round(value, _DECIMALS)
