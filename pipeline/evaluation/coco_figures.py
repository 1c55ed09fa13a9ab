"""pycocotools' figures for boxes, over all classes and for each."""

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

# In the order in which pycocotools sums up.
FIGURES = {
    "AP": "precision, averaged over recall and IoU 0.50 to 0.95",
    "AP50": "the same at IoU 0.50: roughly in place",
    "AP75": "the same at IoU 0.75: well in place",
    "APs": "AP of objects below 32 x 32 pixels",
    "APm": "AP of objects from 32 x 32 to 96 x 96 pixels",
    "APl": "AP of objects above 96 x 96 pixels",
    "AR1": "share of the objects found, 1 box an image and class",
    "AR10": "the same, 10 boxes an image and class",
    "AR100": "the same, 100 boxes an image and class",
    "ARs": "AR100 of objects below 32 x 32 pixels",
    "ARm": "AR100 of objects from 32 x 32 to 96 x 96 pixels",
    "ARl": "AR100 of objects above 96 x 96 pixels",
}
_DECIMALS = 6
_ALL_AREAS, _HUNDRED = 0, 2


@dataclass(frozen=True)
class ClassFigures:
    """A class's figures, 0 to 1; None where there is no such object to find.

    `truth` counts its objects, crowds apart; `predictions` the boxes that claim to be one.
    """

    name: str
    AP: float | None
    AP50: float | None
    AR100: float | None
    truth: int
    predictions: int


@dataclass(frozen=True)
class Figures:
    """`overall` has the 12 names of FIGURES; 0 to 1, or None where there is nothing to find."""

    overall: dict[str, float | None]
    by_class: tuple[ClassFigures, ...]


def figures(comparison: Comparison) -> Figures:
    """Return pycocotools' figures; classes that neither side has are left out."""
    truth = Counter(box.category for box in comparison.truth if not box.crowd)
    found = Counter(box.category for box in comparison.found)
    classes = sorted({box.category for box in (*comparison.truth, *comparison.found)})
    if not classes:
        return Figures(dict.fromkeys(FIGURES), ())
    result = _evaluated(comparison, classes)
    precision, recall = result.eval["precision"], result.eval["recall"]
    by_class = (
        ClassFigures(
            name=comparison.classes[category],
            AP=_mean(precision[:, :, place, _ALL_AREAS, _HUNDRED]),
            AP50=_mean(precision[0, :, place, _ALL_AREAS, _HUNDRED]),
            AR100=_mean(recall[:, place, _ALL_AREAS, _HUNDRED]),
            truth=truth[category],
            predictions=found[category],
        )
        for place, category in enumerate(classes)
    )
    overall = {
        name: _figure(value) for name, value in zip(FIGURES, result.stats.tolist(), strict=True)
    }
    return Figures(overall, tuple(sorted(by_class, key=lambda row: row.name)))


def _evaluated(comparison: Comparison, classes: list[int]) -> Any:  # noqa: ANN401 - it has no types
    """Return a summed-up `COCOeval`, its arrays in the order of the classes.

    One class at a time, in the images that have it: the same numbers, and memory for one class. All
    at once, 20,000 images with 80 classes took more than 7 GB.
    """
    # No other command needs it.
    from pycocotools.cocoeval import COCOeval  # noqa: PLC0415

    images: defaultdict[int, set[int]] = defaultdict(set)
    for box in (*comparison.truth, *comparison.found):
        images[box.category].add(box.image)
    with redirect_stdout(io.StringIO()):  # it talks
        truth, found = _coco(comparison, comparison.truth), _coco(comparison, comparison.found)
        parts = []
        for category in classes:
            part = COCOeval(truth, found, "bbox")
            part.params.catIds, part.params.imgIds = [category], sorted(images[category])
            part.evaluate()
            part.accumulate()
            parts.append(part.eval)
        whole = COCOeval(iouType="bbox")
        whole.eval = {
            "precision": np.concatenate([part["precision"] for part in parts], axis=2),
            "recall": np.concatenate([part["recall"] for part in parts], axis=1),
        }
        whole.summarize()
    return whole


def _coco(comparison: Comparison, boxes: Iterable[Box]) -> Any:  # noqa: ANN401 - same
    """Return pycocotools' index of some boxes.

    Made here for predictions too: `loadRes` fails at an empty list. Objects count from 1: to
    `COCOeval` a match with object 0 is none, https://github.com/cocodataset/cocoapi/pull/332.
    """
    from pycocotools.coco import COCO  # noqa: PLC0415

    coco = COCO()
    coco.dataset = {
        "images": [{"id": number} for number in range(comparison.images)],
        "categories": [{"id": number} for number in range(len(comparison.classes))],
        "annotations": [
            {
                "id": number,
                "image_id": box.image,
                "category_id": box.category,
                "bbox": list(box.bbox),
                "area": box.area,
                "iscrowd": int(box.crowd),
                "score": box.score,
            }
            for number, box in enumerate(boxes, start=1)
        ],
    }
    coco.createIndex()
    return coco


def _mean(values: NDArray[np.float64]) -> float | None:
    """Return the mean of a class's values; all are -1 where there is nothing to find."""
    return _figure(float(values.mean()))


def _figure(value: float) -> float | None:
    return None if value < 0 else round(value, _DECIMALS)
