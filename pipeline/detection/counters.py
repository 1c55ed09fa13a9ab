"""What a detector counts over the images of a run: the checks and warnings at the end need it."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DetectorCounters:
    """Counts over some images. Those of several parts of a run can be added.

    Attributes:
        best_score: as `BestScore.value`; minus infinity if there was no box.
        small_boxes: number of boxes within the first two pixels, as `BoxScale` counts them.
        large_boxes: number of other boxes.
    """

    best_score: float = -math.inf
    small_boxes: int = 0
    large_boxes: int = 0

    def __add__(self, other: DetectorCounters) -> DetectorCounters:
        """Return the counts over the images of both."""
        return DetectorCounters(
            max(self.best_score, other.best_score),
            self.small_boxes + other.small_boxes,
            self.large_boxes + other.large_boxes,
        )
