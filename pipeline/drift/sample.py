"""What one run found, as far as drift looks at it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Mapping

SCORE_BINS = 10
DETECTOR_FACTS = (
    "model, score threshold, IoU threshold, classes, their names, tiles or their overlap"
)
"""What `detector_facts` returns, in words."""
LEAST_OBJECTS = 50
"""A run with fewer objects is not compared: its shares say nothing."""


@dataclass(frozen=True)
class Sample:
    """The objects of a run.

    Attributes:
        detector: what must be equal in a comparison. See `detector_facts`.
        classes: number of objects by label.
        scores: number of objects by score, in 10 bins of equal width from 0 to 1.
    """

    detector: Mapping[str, Any]
    classes: Counter[str]
    scores: tuple[int, ...]

    @classmethod
    def of(
        cls, settings: Mapping[str, Any], classes: Counter[str], scores: Iterable[float]
    ) -> Self:
        """Return the sample of a run.

        Args:
            settings: the content of its config.json.
            classes: number of objects by label.
            scores: the score of each object, 0 to 1.
        """
        # As in the COCO file, so that a run and its files are one sample.
        rounded = np.round(np.fromiter(scores, dtype=np.float64), 4)
        bins = np.minimum((rounded * SCORE_BINS).astype(int), SCORE_BINS - 1)
        counts = np.bincount(bins, minlength=SCORE_BINS)
        return cls(detector_facts(settings), classes, tuple(counts.tolist()))

    @property
    def objects(self) -> int:
        """Number of objects."""
        return self.classes.total()


def detector_facts(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what decides which objects a result has, of the content of a config.json.

    What has no effect is left out: names that are those of the model, the overlap of one tile.
    """
    model, wanted = settings["model"], settings["config"]["detector"]
    names = settings["config"]["output"]["class_names"]
    return {
        "sha256": model["sha256"],
        "score_threshold": model["score_threshold"],
        "classes": None if wanted["classes"] is None else sorted(wanted["classes"]),
        "iou_threshold": model["iou_threshold"],
        "tiles": wanted["tiles"],
        "tile_overlap": wanted["tile_overlap"] if wanted["tiles"] > 1 else None,
        "class_names": {label: name for label, name in names.items() if name != label},
    }
