"""What a model's class ids are called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipeline.detection.coco_classes import COCO_80, COCO_90
from pipeline.detection.unsupported import UnsupportedModelError
from pipeline.errors import BrokenError
from pipeline.frame import Detections
from pipeline.text import replace_surrogates

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from pipeline.detection.families.common.base import DecodeSpec
    from pipeline.detection.graph import Graph

# Where exporters and teams write the names.
_METADATA_KEYS = ("names", "labels", "classes", "class_names", "character")
# What Google's label maps say where there is no class, and first of all, whichever id is the first.
_NOTHING_YET = "???"
# What stands where a class id means none.
_NO_CLASS = frozenset({
    "", "background", "__background__", "_background_", "bg", "n/a", "no-object", "no object",
    "unlabeled", "unlabelled", _NOTHING_YET,
})  # fmt: skip


@dataclass(frozen=True)
class Labels:
    """The names of a model's classes.

    Attributes:
        names: of the classes that can be found, in the order of their ids.
        source: where they come from, for a person.
        index: for each class id of the model, from 0, the name's index; -1: no class.
    """

    names: tuple[str, ...]
    source: str
    index: NDArray[np.int64]

    def map_ids(self, found: Detections) -> Detections:
        """Turn the model's class ids into indexes of names; ids that mean no class go.

        Raises:
            BrokenError: there is an id without a name.
        """
        ids = found.class_ids
        if ids.size and (ids.min() < 0 or ids.max() >= len(self.index)):
            wrong = ids.max() if ids.min() >= 0 else ids.min()
            raise BrokenError(
                f"The model finds class {wrong}, and its labels ({self.source}) end with class "
                f"{len(self.index) - 1}, '{self.names[-1]}'. Put all of them on its card, as "
                "'labels', from class 0 on, \"\" where an id means none; or another 'family'."
            )
        indexes = self.index[ids]
        rows = np.flatnonzero(indexes >= 0)
        return Detections(found.boxes[rows], found.scores[rows], indexes[rows])


def labels_from_metadata(graph: Graph) -> tuple[str, ...] | None:
    """Return the names in a model's own metadata; None if there are none.

    Raises:
        UnsupportedModelError: there are some, in a form that cannot be read.
    """
    for key in _METADATA_KEYS:
        match graph.setting(key):
            case dict(by_key) if by_key:
                return _from_mapping(key, by_key)
            case [*listed] if listed:
                return _texts(key, listed)
            case str(text) if text.lstrip().startswith(("{", "[")):
                raise _unreadable(key)
            case str(text) if text.strip():
                parts = text.strip().split("\n" if "\n" in text.strip() else ",")
                return tuple(part.strip() for part in parts)
    return None


def _from_mapping(key: str, mapping: dict[object, object]) -> tuple[str, ...]:
    """Read names by ids, or ids by names; the ids must have no gap, and begin with 0 or 1."""
    keys, values = _texts(key, mapping.keys()), _texts(key, mapping.values())
    by_number = all(isinstance(value, int) for value in mapping.values())
    by_id = dict(zip(values, keys, strict=True) if by_number else zip(keys, values, strict=True))
    by_id.setdefault("0", "")
    try:
        return tuple(by_id[str(number)] for number in range(len(by_id)))
    except KeyError:
        raise _unreadable(key) from None


def _texts(key: str, values: Iterable[object]) -> tuple[str, ...]:
    try:
        return tuple(map(str, values))
    except (ValueError, RecursionError):  # a number of thousands of digits, a nest of lists
        raise _unreadable(key) from None


def _unreadable(key: str) -> UnsupportedModelError:
    return UnsupportedModelError(
        f"its metadata has '{key}', and it is no list of labels by class id. Put them on its card, "
        "as 'labels'."
    )


def resolve_labels(names: tuple[str, ...] | None, source: str, spec: DecodeSpec) -> Labels:
    """Say what each class id is called.

    Args:
        names: from the card or the metadata, with or without one for the background, "" for an id
            that means no class; None: there are none, and a model with as many classes as COCO is
            taken for one of COCO's.
        source: where they come from.
        spec: tells how many ids there are and which is the first.

    Raises:
        UnsupportedModelError: there are none, or not as many as there are classes.
    """
    count, first = spec.class_count, spec.first_class_id
    if names is None:
        names, source = _coco(count), f"COCO's, for it has {count} classes and no names"
    one_more = count is None or len(names) == count + 1
    if one_more and (names[0] == _NOTHING_YET or (first and names[0].lower() in _NO_CLASS)):
        names = names[1:]
    if count is not None and len(names) != count:
        raise UnsupportedModelError(
            f"its labels ({source}) are {len(names)}, and it has {count} classes"
            + (', without the background, which is class 0 and called ""' if first else "")
            + ". Put as many 'labels' on its card, in the order of its class ids."
        )
    names = tuple(map(replace_surrogates, names))
    # Ids of the same name are of one class.
    real = tuple(dict.fromkeys(name for name in names if name.lower() not in _NO_CLASS))
    if not real:
        raise UnsupportedModelError(
            f"its labels ({source}) name no class. Put them on its card, as 'labels'."
        )
    places = {name: place for place, name in enumerate(real)}
    index = [-1] * first + [places.get(name, -1) for name in names]
    return Labels(real, source, np.array(index, dtype=np.int64))


def _coco(count: int | None) -> tuple[str, ...]:
    match count:
        case 80:
            return COCO_80
        case 90:
            return COCO_90
        case 91:
            return ("", *COCO_90)
    classes = "how many classes it has" if count is None else f"what its {count} classes are called"
    raise UnsupportedModelError(
        f"neither its metadata nor a card says {classes}. Put 'labels', their names in the order "
        "of the class ids, on its card (`pretag model card` writes one to start from)."
    )
