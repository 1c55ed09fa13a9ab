"""Detect objects in an image: preprocess, run the model, decode, apply NMS, map boxes back."""

from __future__ import annotations

import difflib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime

from pipeline.detection.best_score import BestScore
from pipeline.detection.box_scale import BoxScale
from pipeline.detection.counters import DetectorCounters
from pipeline.detection.nms import non_max_suppression
from pipeline.detection.output_check import check_finite, check_plausible, check_scores
from pipeline.detection.result_warnings import nothing_found_warning, unread_parts_warning
from pipeline.detection.tiles import (
    Tile,
    merge_tiles,
    shift_to_image,
    tile_grid,
    touches_inner_edge,
)
from pipeline.detection.unsupported import one_line_message
from pipeline.errors import BrokenError, ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pipeline.config.schema import DetectorConfig
    from pipeline.detection.model import Model
    from pipeline.frame import Detections, Image

_SCORE_THRESHOLD = 0.4
_IOU_THRESHOLD = 0.5
# The dataset has boxes with 2 decimals. A thinner box would have a side of 0.
_MIN_SIDE_PIXELS = 0.01


class Detector:
    """A model with the thresholds and classes of one configuration, for one run.

    Several detectors can share a model. Several threads can share a detector.

    Attributes:
        model: the model.
        score_threshold: lowest score of a detection.
        iou_threshold: the largest IoU at which NMS keeps both of two boxes.
        best_score: the best score of a box so far, of any class. It is exact until an object is
            found; from then on it counts only detections.
    """

    def __init__(self, model: Model, config: DetectorConfig) -> None:
        """Bind a loaded model to a configuration.

        Raises:
            ConfigError: `detector.classes` names a class that the model does not have.
        """
        self.model = model
        self.score_threshold = _first_set(
            config.score_threshold, model.score_threshold, _SCORE_THRESHOLD
        )
        self.iou_threshold = _first_set(config.iou_threshold, model.iou_threshold, _IOU_THRESHOLD)
        self._selected_class_ids = _class_ids(config.classes, model)
        self.best_score = BestScore()
        self._box_scale = BoxScale(model)
        self._tiles, self._tile_overlap = config.tiles, config.tile_overlap
        self._run_options = onnxruntime.RunOptions()

    def detect(self, image: Image) -> Detections:
        """Return the objects in an image, with boxes in image pixels, by descending score.

        Args:
            image: H x W x 3 uint8 BGR, in displayed pixels.

        Raises:
            BrokenError: the model fails, or its outputs are not those of its family.
        """
        if self._tiles == 1:
            return self._detect_in_one_run(image)
        return self._detect_in_image_and_tiles(image)

    def _detect_in_image_and_tiles(self, image: Image) -> Detections:
        height, width = image.shape[:2]
        whole = Tile(0, 0, width, height)
        tiles = [whole, *tile_grid(width, height, self._tiles, self._tile_overlap)]
        detections_of_tiles = [
            shift_to_image(self._detect_in_one_run(tile.crop(image)), tile) for tile in tiles
        ]
        are_cut = [
            touches_inner_edge(detections.boxes, tile, whole)
            for detections, tile in zip(detections_of_tiles, tiles, strict=True)
        ]
        # The tiles overlap, so NMS is needed here even if the model's own boxes need none.
        return non_max_suppression(merge_tiles(detections_of_tiles, are_cut), self.iou_threshold)

    def _detect_in_one_run(self, image: Image) -> Detections:
        """Return the objects in an image or a tile, by one run of the model."""
        spec = self.model.spec
        height, width = image.shape[:2]
        placement = spec.preprocess.placement(width, height)
        outputs = self.model.run(image, placement, self._run_options)
        check_finite(outputs, self.model)
        detections = self._decode(outputs, placement.input_size, self.score_threshold)
        detections = self._box_scale.to_pixels(detections, placement.input_size)
        check_plausible(detections, placement.input_size, self.model)
        self.best_score.add(detections.scores)
        if self.best_score.value < self.score_threshold:
            self._look_below_threshold(outputs, placement.input_size)
        detections = self._select_classes(self.model.label_map.map_class_ids(detections))
        detections = (
            non_max_suppression(detections, self.iou_threshold)
            if spec.needs_nms
            else _sort_by_score(detections)
        )
        boxes = placement.boxes_to_image(detections.boxes)
        return drop_empty_boxes(replace(detections, boxes=boxes))

    def _look_below_threshold(
        self, outputs: Sequence[NDArray[Any]], input_size: tuple[int, int]
    ) -> None:
        """Note the best score of outputs in which nothing was found, and check all scores.

        Only boxes that are better than those of the images before are decoded.
        """
        scores = self._decode(outputs, input_size, self.best_score.value).scores
        check_scores(scores, self.model)
        self.best_score.add(scores)

    def _decode(
        self, outputs: Sequence[NDArray[Any]], input_size: tuple[int, int], score_threshold: float
    ) -> Detections:
        try:
            return self.model.spec.decode(outputs, score_threshold, input_size)
        except Exception as error:  # numpy raises several types for unexpected shapes
            shapes = ", ".join(str(np.shape(output)) for output in outputs)
            raise BrokenError(
                f"Model {self.model.name} gives outputs of the shapes {shapes}, which do not fit "
                f"its family '{self.model.family}' ({one_line_message(error)}). Correct the "
                "'family' on its model card, or export the model again."
            ) from error

    def description(self) -> dict[str, object]:
        """Return the facts about the detector that a run's result records, as a JSON object."""
        return {
            "name": self.model.name,
            "sha256": self.model.sha256,
            "family": self.model.family,
            "not_read": list(self.model.spec.unread),
            "score_threshold": self.score_threshold,
            "iou_threshold": self.iou_threshold,
        }

    @property
    def counters(self) -> DetectorCounters:
        """What was counted over the images so far."""
        return DetectorCounters(self.best_score.value, *self._box_scale.counts)

    def add_counters(self, counters: DetectorCounters) -> None:
        """Add what other detectors of the same run counted, for the checks at its end."""
        self.best_score.raise_to(counters.best_score)
        self._box_scale.add_counts(counters.small_boxes, counters.large_boxes)

    def check_boxes(self) -> None:
        """Check the boxes of all images together, after the last one.

        Raises:
            BrokenError: they cannot be in the unit of the model's family.
        """
        self._box_scale.check()

    def warnings(self, images: int, objects: int) -> tuple[str, ...]:
        """Return sentences that a person has to read about the result, if there are any.

        Args:
            images: number of images in which the detector looked.
            objects: number of objects that it found in them.
        """
        warnings = [unread_parts_warning(self.model)] if self.model.spec.unread else []
        if images and not objects:
            warnings.append(
                nothing_found_warning(
                    self.model, images, self.score_threshold, self.best_score.value
                )
            )
        return tuple(warnings)

    def stop(self) -> None:
        """Make running and later calls of `detect` fail at once, in all threads.

        The model itself stays usable.
        """
        self._run_options.terminate = True

    def _select_classes(self, detections: Detections) -> Detections:
        if self._selected_class_ids is None:
            return detections
        return detections[np.isin(detections.class_ids, self._selected_class_ids)]


def drop_empty_boxes(detections: Detections) -> Detections:
    """Return the detections whose boxes have a width and height of 0.01 pixels or more."""
    sides = detections.boxes[:, 2:] - detections.boxes[:, :2]
    return detections[np.flatnonzero((sides >= _MIN_SIDE_PIXELS).all(axis=1))]


def _sort_by_score(detections: Detections) -> Detections:
    return detections[np.argsort(-detections.scores, kind="stable")]


def _first_set(*values: float | None) -> float:
    return next(value for value in values if value is not None)


def _class_ids(classes: tuple[str, ...] | None, model: Model) -> NDArray[np.int64] | None:
    """Return the class ids of labels; None for all classes."""
    if classes is None:
        return None
    for label in classes:
        if label not in model.labels:
            similar = difflib.get_close_matches(label, model.labels, n=1)
            hint = (
                f"did you mean '{similar[0]}'?"
                if similar
                else f"its classes are {', '.join(model.labels)}."
            )
            raise ConfigError(
                f"Config key 'detector.classes' names '{label}', which is not a class of model "
                f"{model.name}: {hint}"
            )
    return np.array(sorted({model.labels.index(label) for label in classes}), dtype=np.int64)
