"""The classes of a dataset, made of the model's: renamed, united, dropped, and only those wanted.

`output.class_names` gives classes other names. Two classes with one name are one class afterwards,
and null drops a class with its objects. Then `output.categories` says which classes are written.
Ids count from 1 without gaps afterwards, in the order of the model.
"""

from __future__ import annotations

import difflib
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pipeline.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from pipeline.config.schema import Config
    from pipeline.dataset.dataset import Dataset
    from pipeline.frame import Detections

_DROPPED = -1


def final_labels(labels: Sequence[str], names: Mapping[str, str | None]) -> tuple[str, ...]:
    """Return the names that classes have in a dataset, each once, in the order of the model.

    Args:
        labels: labels of the model, or some of them.
        names: `output.class_names`.
    """
    renamed = (names.get(label, label) for label in labels)
    return tuple(dict.fromkeys(name for name in renamed if name is not None))


class ClassMap:
    """Takes the classes of a model to those of a dataset.

    Attributes:
        labels: names of the classes of the dataset, in the order of the model.
    """

    def __init__(self, labels: Sequence[str], config: Config) -> None:
        """Make the map.

        Args:
            labels: labels of the model.
            config: the effective configuration.

        Raises:
            ConfigError: `output.class_names` does not fit the model.
        """
        names = config.output.class_names
        _check_names(labels, config)
        self.labels = final_labels(labels, names)
        self._new_ids = _ids([names.get(label, label) for label in labels], self.labels)
        self._is_identity = self.labels == tuple(labels)

    def apply(self, detections: Detections) -> Detections:
        """Return objects with the class ids of the dataset, without those that are dropped."""
        if self._is_identity:
            return detections
        class_ids = self._new_ids[detections.class_ids]
        return replace(detections, class_ids=class_ids)[class_ids != _DROPPED]


def with_categories(dataset: Dataset, config: Config) -> Dataset:
    """Return the dataset with the classes that `output.categories` asks for.

    Args:
        dataset: the dataset, with all classes that it may have.
        config: the effective configuration.
    """
    if config.output.categories == "all":
        return dataset
    kept = set(dataset.detections_by_class())
    if config.output.categories == "chosen":
        classes = config.detector.classes
        names = config.output.class_names
        kept.update(dataset.labels if classes is None else final_labels(classes, names))
    labels = tuple(label for label in dataset.labels if label in kept)
    new_ids = _ids(dataset.labels, labels)
    return replace(dataset, labels=labels, frames=dataset.frames.with_class_ids(new_ids))


def _ids(names: Sequence[str | None], labels: Sequence[str]) -> NDArray[np.int64]:
    """Return the id that each name has among the labels; -1 for one that is not there."""
    ids = {label: index for index, label in enumerate(labels)}
    return np.array(
        [_DROPPED if name is None else ids.get(name, _DROPPED) for name in names], dtype=np.int64
    )


def _check_names(labels: Sequence[str], config: Config) -> None:
    """Raise an error if `output.class_names` has an unknown class, or drops all."""
    names = config.output.class_names
    for label in names:
        if label not in labels:
            similar = difflib.get_close_matches(label, labels, n=1)
            hint = (
                f"did you mean '{similar[0]}'?"
                if similar
                else f"its classes are {', '.join(labels)}."
            )
            raise ConfigError(
                f"Config key 'output.class_names' names '{label}', which is not a class of the "
                f"model: {hint}"
            )
    if not final_labels(config.detector.classes or labels, names):
        raise ConfigError(
            "Config key 'output.class_names' drops all classes that are detected. Leave one of "
            "them out, or give it a name."
        )
