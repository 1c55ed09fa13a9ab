"""The labels of a model: from its card, its metadata or COCO, by class id."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from pipeline.detection.coco_classes import COCO_80, COCO_90
from pipeline.detection.unsupported import UnsupportedModelError
from pipeline.errors import BrokenError
from pipeline.text import replace_surrogates

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from pipeline.detection.families.common.base import DecodeSpec
    from pipeline.detection.graph import Graph
    from pipeline.frame import Detections

# Keys of the metadata in which exporters and teams write the labels.
_METADATA_KEYS = ("names", "labels", "classes", "class_names", "character")
# Google's label maps have this label for ids without a class. They begin with it, also if the ids
# of the model begin with its first real class.
_GOOGLE_PLACEHOLDER = "???"
# Labels, in lower case, of ids that mean no class.
_NO_CLASS = frozenset({
    "", "background", "__background__", "_background_", "bg", "n/a", "no-object", "no object",
    "unlabeled", "unlabelled", _GOOGLE_PLACEHOLDER,
})  # fmt: skip
# What to do about a class id that is above those of the labels, and about one that is below.
_REMEDY_ABOVE = (
    "Write all labels as 'labels' on the model card, with \"\" for an id that means no class. Or "
    "correct the 'family' there."
)
_REMEDY_BELOW = (
    "If class 0 is the first label, write first_class_id = 0 on the model card; then the labels of "
    "all other classes move, too. Or correct the 'family' there."
)


@dataclass(frozen=True)
class LabelMap:
    """The labels of a model, and the label of each of its class ids.

    Attributes:
        labels: the different labels of the classes, in the order of the model's class ids.
        source: where the labels come from, such as `the metadata`.
        index_by_class_id: for each class id of the model, from 0, the index of its label; -1 if
            the id means no class.
        first_class_id: the class id of the first label. The model gives no lower ones.
    """

    labels: tuple[str, ...]
    source: str
    index_by_class_id: NDArray[np.int64]
    first_class_id: int = 0

    def map_class_ids(self, detections: Detections) -> Detections:
        """Return the detections with indexes of labels in place of the model's class ids.

        Detections whose class id means no class are left out.

        Raises:
            BrokenError: a class id has no label.
        """
        ids, first, count = detections.class_ids, self.first_class_id, len(self.index_by_class_id)
        if ids.size and (ids.min() < first or ids.max() >= count):
            wrong = ids.min() if ids.min() < first else ids.max()
            raise BrokenError(
                f"The model detected an object of class {wrong}, but its labels (from "
                f"{self.source}) are those of the classes {first} to {count - 1}, '"
                f"{self.labels[0]}' to '{self.labels[-1]}'. "
                f"{_REMEDY_BELOW if wrong < first else _REMEDY_ABOVE}"
            )
        indexes = self.index_by_class_id[ids]
        return replace(detections, class_ids=indexes)[indexes >= 0]


def labels_from_metadata(graph: Graph) -> tuple[str, ...] | None:
    """Return the labels in the metadata of a model; None if there are none.

    Raises:
        UnsupportedModelError: the metadata has labels in a form that cannot be read.
    """
    for key in _METADATA_KEYS:
        match graph.setting(key):
            case dict(mapping) if mapping:
                return _labels_from_mapping(key, mapping)
            case [*values] if values:
                return _texts(key, values)
            case str(text) if text.lstrip().startswith(("{", "[")):
                raise _unreadable_error(key)
            case str(text) if text.strip():
                parts = text.strip().split("\n" if "\n" in text.strip() else ",")
                return tuple(part.strip() for part in parts)
    return None


def _labels_from_mapping(key: str, mapping: dict[object, object]) -> tuple[str, ...]:
    """Return the labels of a mapping from ids to labels, or from labels to ids.

    The ids must begin with 0 or 1, and have no gaps.
    """
    keys, values = _texts(key, mapping.keys()), _texts(key, mapping.values())
    has_ids_as_values = all(isinstance(value, int) for value in mapping.values())
    pairs = zip(values, keys, strict=True) if has_ids_as_values else zip(keys, values, strict=True)
    label_by_id = dict(pairs)
    label_by_id.setdefault("0", "")
    try:
        return tuple(label_by_id[str(number)] for number in range(len(label_by_id)))
    except KeyError:
        raise _unreadable_error(key) from None


def _texts(key: str, values: Iterable[object]) -> tuple[str, ...]:
    try:
        return tuple(map(str, values))
    except (ValueError, RecursionError):  # a number with thousands of digits, or deep nesting
        raise _unreadable_error(key) from None


def _unreadable_error(key: str) -> UnsupportedModelError:
    return UnsupportedModelError(
        f"'{key}' in its metadata is not a list of labels by class id. Write the labels as "
        "'labels' on the model card."
    )


def map_labels(labels: tuple[str, ...] | None, source: str, spec: DecodeSpec) -> LabelMap:
    """Return the label map of a model.

    Args:
        labels: from the card or the metadata, with or without a label for the background; "" for
            an id that means no class. None: there are none; then those of the family are used, or
            COCO's if the model has COCO's number of classes.
        source: where the labels come from.
        spec: gives the number of classes, the first class id and the labels of the family.

    Raises:
        UnsupportedModelError: there are no labels, or not as many as the model has classes, or
            nothing shows which class is the first one.
    """
    class_count, first_class_id = spec.class_count, spec.first_class_id
    if labels is None and spec.labels is not None:
        labels, source = spec.labels, "the family, whose models all have them"
    elif labels is None:
        labels = _coco_labels(class_count)
        source = f"COCO, because the model has {class_count} classes and no labels"
    if first_class_id is None:
        first_class_id = _first_class_id_of_labels(labels)
    may_have_extra_label = class_count is None or len(labels) == class_count + 1
    if may_have_extra_label and (
        labels[0] == _GOOGLE_PLACEHOLDER or (first_class_id and labels[0].lower() in _NO_CLASS)
    ):
        labels = labels[1:]
    if class_count is not None and len(labels) != class_count:
        background = " besides the background, which is class 0" if first_class_id else ""
        raise UnsupportedModelError(
            f"it has {class_count} classes{background}, but the number of its labels (from "
            f"{source}) is {len(labels)}. Write one label for each class as 'labels' on the model "
            "card, in the order of the class ids."
        )
    labels = tuple(map(replace_surrogates, labels))
    # Ids with the same label are one class.
    distinct = tuple(dict.fromkeys(label for label in labels if label.lower() not in _NO_CLASS))
    if not distinct:
        raise UnsupportedModelError(
            f"none of its labels (from {source}) is the name of a class. Write the labels as "
            "'labels' on the model card."
        )
    index_by_label = {label: index for index, label in enumerate(distinct)}
    indexes = [-1] * first_class_id + [index_by_label.get(label, -1) for label in labels]
    return LabelMap(distinct, source, np.array(indexes, dtype=np.int64), first_class_id)


def _first_class_id_of_labels(labels: tuple[str, ...]) -> int:
    """Return 1 for labels that begin with one for the background, which is class 0.

    Raises:
        UnsupportedModelError: they begin with the name of a class.
    """
    if labels[0].lower() in _NO_CLASS:
        return 1
    raise UnsupportedModelError(
        f"its file does not show whether the first label, '{labels[0]}', is that of class 0 or of "
        "class 1. Write first_class_id = 1 on the model card if class 0 is the background, as in "
        "torchvision, or first_class_id = 0 if it is the first label."
    )


def _coco_labels(class_count: int | None) -> tuple[str, ...]:
    match class_count:
        case 80:
            return COCO_80
        case 90:
            return COCO_90
        case 91:
            return ("", *COCO_90)
    classes = "its classes" if class_count is None else f"its {class_count} classes"
    raise UnsupportedModelError(
        f"neither its metadata nor a model card has labels for {classes}. Write the labels, in the "
        "order of the class ids, as 'labels' on the model card (`pretag model card` writes a card "
        "to begin with)."
    )
