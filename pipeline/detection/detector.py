"""From a picture to its objects: fit, run, read, suppress, map back."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime

from pipeline.detection.nms import non_max_suppression
from pipeline.detection.output_check import check_plausible
from pipeline.detection.tiles import (
    Tile,
    merge_tiles,
    shift_to_image,
    tile_grid,
    touches_inner_edge,
)
from pipeline.errors import BrokenError, ConfigError
from pipeline.frame import Detections

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pipeline.config.schema import DetectorConfig
    from pipeline.detection.model import Model
    from pipeline.frame import Image

_SCORE_THRESHOLD = 0.4
_IOU_THRESHOLD = 0.5
# A box thinner than this rounds to nothing in the dataset's 2 decimals.
_SMALLEST_SIDE_PIXELS = 0.01


class Detector:
    """A model with the thresholds and classes of one configuration, for one run; cheap to make."""

    def __init__(self, model: Model, config: DetectorConfig) -> None:
        """Bind a loaded model to a configuration.

        Raises:
            ConfigError: the class allow-list names a class that the model does not know.
        """
        self.model = model
        self.score_threshold = _first(
            config.score_threshold, model.score_threshold, _SCORE_THRESHOLD
        )
        self.iou_threshold = _first(config.iou_threshold, model.iou_threshold, _IOU_THRESHOLD)
        self._allowed = _class_ids(config.classes, model)
        self._tiles, self._tile_overlap = config.tiles, config.tile_overlap
        self._run_options = onnxruntime.RunOptions()

    def detect(self, image: Image) -> Detections:
        """Find the objects in a picture.

        Args:
            image: H x W x 3 uint8 BGR, in displayed pixels.

        Returns:
            Boxes in the picture's own pixels, by descending score.

        Raises:
            BrokenError: the model fails on it, or its output is none of its family's.
        """
        return self._look(image) if self._tiles == 1 else self._look_closely(image)

    def _look_closely(self, image: Image) -> Detections:
        """Find the objects in the whole picture and in its tiles."""
        height, width = image.shape[:2]
        picture = Tile(0, 0, width, height)
        parts = [picture, *tile_grid(width, height, self._tiles, self._tile_overlap)]
        views = [shift_to_image(self._look(tile.of(image)), tile) for tile in parts]
        cut = [
            touches_inner_edge(view.boxes, tile, picture)
            for view, tile in zip(views, parts, strict=True)
        ]
        # Views overlap: their boxes want NMS whether or not the model's own do.
        return non_max_suppression(merge_tiles(views, cut), self.iou_threshold)

    def _look(self, image: Image) -> Detections:
        spec = self.model.spec
        height, width = image.shape[:2]
        placement = spec.preprocess.placement(width, height)
        outputs = self.model.run(image, placement, self._run_options)
        found = self._decoded(outputs, placement.canvas)
        check_plausible(found, placement.canvas, self.model)
        found = self._of_allowed(self.model.classes.map_ids(found))
        found = (
            non_max_suppression(found, self.iou_threshold) if spec.needs_nms else _by_score(found)
        )
        boxes = placement.boxes_to_image(found.boxes)
        return drop_empty_boxes(Detections(boxes, found.scores, found.class_ids))

    def _decoded(self, outputs: Sequence[NDArray[Any]], canvas: tuple[int, int]) -> Detections:
        try:
            return self.model.spec.decode(outputs, self.score_threshold, canvas)
        except Exception as error:  # whatever numpy says of shapes that no signature announced
            shapes = ", ".join(str(np.shape(output)) for output in outputs)
            raise BrokenError(
                f"Model {self.model.name} gives outputs ({shapes}) that are none of the family "
                f"'{self.model.family}'. Put the right 'family' on its card, or export it again."
            ) from error

    def description(self) -> dict[str, object]:
        """Return what is worth keeping of it beside a result, as a JSON object."""
        return {
            "name": self.model.name,
            "sha256": self.model.sha256,
            "family": self.model.family,
            "score_threshold": self.score_threshold,
            "iou_threshold": self.iou_threshold,
        }

    def stop(self) -> None:
        """Make what runs, in any thread, fail at once; it cannot be used again."""
        self._run_options.terminate = True

    def _of_allowed(self, found: Detections) -> Detections:
        if self._allowed is None:
            return found
        return found[np.flatnonzero(np.isin(found.class_ids, self._allowed))]


def drop_empty_boxes(found: Detections) -> Detections:
    """Return the boxes that are more than nothing once rounded to the dataset's 2 decimals."""
    sides = found.boxes[:, 2:] - found.boxes[:, :2]
    return found[np.flatnonzero((sides >= _SMALLEST_SIDE_PIXELS).all(axis=1))]


def _by_score(found: Detections) -> Detections:
    return found[np.argsort(-found.scores, kind="stable")]


def _first(*values: float | None) -> float:
    return next(value for value in values if value is not None)


def _class_ids(classes: tuple[str, ...] | None, model: Model) -> NDArray[np.int64] | None:
    if classes is None:
        return None
    for name in classes:
        if name not in model.labels:
            close = difflib.get_close_matches(name, model.labels, n=1)
            hint = (
                f"did you mean '{close[0]}'?" if close else f"it knows {', '.join(model.labels)}."
            )
            raise ConfigError(
                f"Config key 'detector.classes' names '{name}', which model {model.name} "
                f"does not know: {hint}"
            )
    return np.array(sorted({model.labels.index(name) for name in classes}), dtype=np.int64)
