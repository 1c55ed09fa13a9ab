"""Try other preprocessings on one image, to find out that a model needs another one.

A wrong scale, colour order or resize costs detections, and no error shows it. But the number of
detections alone does not show it either: with pixels of 0 to 255 in place of 0 to 1, some models
find nothing, and others find many objects that are none. What such a model finds by chance, it does
not find again in the mirrored image. So only objects that are found in both count.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pipeline.detection.boxes import iou
from pipeline.detection.detector import Detector
from pipeline.detection.preprocess import IMAGENET_MEAN, IMAGENET_STD
from pipeline.errors import BrokenError
from pipeline.frame import NO_DETECTIONS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pipeline.config.schema import DetectorConfig
    from pipeline.detection.model import Model
    from pipeline.detection.preprocess import Preprocess
    from pipeline.frame import Detections, Image

_ZERO, _ONE, _HALF = (0.0,) * 3, (1.0,) * 3, (127.5,) * 3
# The usual ways to scale pixels: 0 to 1, 0 to 255, -1 to 1, and ImageNet's mean and deviation.
_SCALES: tuple[dict[str, Any], ...] = (
    {"scale": 1 / 255, "mean": _ZERO, "std": _ONE},
    {"scale": 1.0, "mean": _ZERO, "std": _ONE},
    {"scale": 1.0, "mean": _HALF, "std": _HALF},
    {"scale": 1 / 255, "mean": IMAGENET_MEAN, "std": IMAGENET_STD},
)
_COLOURS: tuple[dict[str, Any], ...] = ({"colour": "rgb"}, {"colour": "bgr"})
_RESIZES: tuple[dict[str, Any], ...] = (
    {"resize": "letterbox"}, {"resize": "top-left"}, {"resize": "stretch"},
)  # fmt: skip
# Another preprocessing is clearly better if the sum of its scores is this much larger, and if most
# of what it finds is found again in the mirrored image.
_MIN_FACTOR, _MIN_GAIN = 1.5, 0.5
_MIN_SHARE_AGAIN, _MIN_IOU = 0.6, 0.5
# So many objects in one image are no objects, and comparing them takes minutes.
_MOST_OBJECTS = 1000


class Better(NamedTuple):
    """A preprocessing with which a model finds clearly more.

    Attributes:
        changes: the values that differ, by the keys of `Preprocess`.
        detections: what the model finds with them, in the image and in the mirrored image.
    """

    changes: dict[str, Any]
    detections: Detections


def find_better_preprocess(model: Model, image: Image, config: DetectorConfig) -> Better | None:
    """Return the best of the usual preprocessings, if it is clearly better than the model's own.

    The scores of the objects that are found again in the mirrored image are added up. First every
    scale is tried with every colour order, then every resize with the best of these.

    Args:
        model: the model.
        image: H x W x 3 uint8 BGR.
        config: the thresholds and classes.
    """
    own = model.spec.preprocess
    own_detections = _found_twice(model, own, image, config)
    best, best_detections = own, own_detections
    takes_bytes = model.image_input.type == "uint8"
    scales = ({},) if takes_bytes else _SCALES
    colours = [{**scale, **colour} for scale in scales for colour in _COLOURS]
    # An input of a free size has no size to which another resize could scale.
    resizes = () if model.image_input.has_free_size else _RESIZES
    for changes_of_step in (colours, resizes):
        for changes in changes_of_step:
            tried = replace(best, **changes)
            found = _found_twice(model, tried, image, config) if tried != own else own_detections
            if _sum(found) > _sum(best_detections):
                best, best_detections = tried, found
    gain = _sum(best_detections) - _sum(own_detections)
    if gain < max(_MIN_GAIN, (_MIN_FACTOR - 1) * _sum(own_detections)):
        return None
    return Better(_differences(own, best), best_detections)


def _found_twice(
    model: Model, preprocess: Preprocess, image: Image, config: DetectorConfig
) -> Detections:
    """Return what the model finds with a preprocessing, in the image and in the mirrored image.

    Returns:
        These objects; none if most of the objects are found only once, if they are too many, or if
        the outputs are impossible.
    """
    detector = Detector(replace(model, spec=replace(model.spec, preprocess=preprocess)), config)
    try:
        found = detector.detect(image)
        mirrored = detector.detect(np.ascontiguousarray(image[:, ::-1]))
    except BrokenError:
        return NO_DETECTIONS
    if max(len(found), len(mirrored)) > _MOST_OBJECTS:
        return NO_DETECTIONS
    is_same_class = found.class_ids[:, np.newaxis] == mirrored.class_ids
    overlaps = iou(found.boxes, _mirror(mirrored.boxes, image.shape[1])) >= _MIN_IOU
    is_found_again = (overlaps & is_same_class).any(axis=1)
    is_reliable = is_found_again.sum() >= _MIN_SHARE_AGAIN * len(found)
    return found[is_found_again] if is_reliable else NO_DETECTIONS


def _mirror(boxes: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    x1, y1, x2, y2 = boxes.T
    return np.stack([width - x2, y1, width - x1, y2], axis=1)


def _sum(detections: Detections) -> float:
    return float(detections.scores.sum())


def _differences(own: Preprocess, other: Preprocess) -> dict[str, Any]:
    keys = ("resize", "colour", "scale", "mean", "std")
    return {key: getattr(other, key) for key in keys if getattr(other, key) != getattr(own, key)}
