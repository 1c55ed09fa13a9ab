"""Scale decoded boxes to pixels of the input, and note whether their values are such pixels.

Shares of the input are at most 1, but for objects that are cut off. No object that a model finds
lies within the first two pixels of its input. So boxes whose values are all at most 2 are shares.
"""

from __future__ import annotations

from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from pipeline.errors import BrokenError

if TYPE_CHECKING:
    from pipeline.detection.model import Model
    from pipeline.frame import Detections

_LARGEST_SHARE = 2.0


class BoxScale:
    """What the boxes of one run are: pixels of the input, or shares of it.

    Only boxes that reach the score threshold count, because others can have any value. Several
    threads may use it.
    """

    def __init__(self, model: Model) -> None:
        """Begin without boxes."""
        self._model = model
        self._small_boxes = self._large_boxes = 0
        self._counting = Lock()

    def to_pixels(self, detections: Detections, input_size: tuple[int, int]) -> Detections:
        """Return the detections of an image with boxes in pixels of the input.

        Args:
            detections: as the model's family decodes them, in the unit of its spec.
            input_size: width and height of the input in pixels.

        Raises:
            BrokenError: the unit follows from the values, and some boxes so far are shares and
                others are pixels.
        """
        unit = self._model.spec.box_unit
        largest = np.abs(detections.boxes).max(axis=1, initial=0)
        # In an input that is no larger, the values do not show the unit.
        if min(input_size) > _LARGEST_SHARE:
            self._count(largest)
        self._check_values_agree()
        is_share = largest.max(initial=0) <= _LARGEST_SHARE if unit is None else unit == "shares"
        if not is_share:
            return detections
        scale = np.array(input_size * 2, dtype=np.float32)
        return replace(detections, boxes=detections.boxes * scale)

    @property
    def counts(self) -> tuple[int, int]:
        """Number of small and of large boxes so far."""
        return self._small_boxes, self._large_boxes

    def add_counts(self, small: int, large: int) -> None:
        """Add boxes that were counted elsewhere."""
        with self._counting:
            self._small_boxes += small
            self._large_boxes += large

    def check(self) -> None:
        """Check all boxes of the run at its end, also those that were counted elsewhere.

        Not before: the first image with a large box may be the last one, or in another shard.

        Raises:
            BrokenError: the unit is pixels, and all boxes are shares; or the unit follows from the
                values, and they are of both kinds.
        """
        self._check_values_agree()
        is_wrong = self._small_boxes and not self._large_boxes
        if is_wrong and self._model.spec.box_unit == "pixels":
            raise BrokenError(
                f"Model {self._model.name} gives {self._small_boxes} boxes that are all within the "
                f"first {_LARGEST_SHARE:g} pixels: they may be shares of the input. If so, write "
                'box_unit = "shares" on its model card. If not, it is not of the family '
                f"'{self._model.family}': correct the 'family' on the card."
            )

    def _check_values_agree(self) -> None:
        if self._model.spec.box_unit is None and self._small_boxes and self._large_boxes:
            raise BrokenError(
                f"Model {self._model.name} gives {self._small_boxes} boxes with values of at "
                f"most {_LARGEST_SHARE:g}, and {self._large_boxes} with larger values. So the "
                "values do not show whether boxes are shares of the input or pixels of it. "
                'Write box_unit = "shares" or box_unit = "pixels" on its model card.'
            )

    def _count(self, largest: np.ndarray) -> None:
        """Count small and large boxes. A box of zeros is neither."""
        large = int((largest > _LARGEST_SHARE).sum())
        self.add_counts(int((largest > 0).sum()) - large, large)
