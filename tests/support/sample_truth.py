"""The objects that persons see in eight frames of the sample clip, and what the model finds there.

samples/README.md says how the boxes were drawn.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.config.schema import DetectorConfig
from pipeline.detection.detector import Detector
from pipeline.evaluation.comparison import Box
from pipeline.evaluation.matching import match_boxes
from tests.support import clips
from tests.support.decoding import decode_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.detection.model import Model

TRUTH = clips.SAMPLE.with_name("pedestrians.coco.json")
EVERY_SECONDS = 4.0


@dataclass(frozen=True)
class Found:
    """How the boxes above a score threshold compare with the truth.

    A box is right if it has the class of an object and an IoU of at least 0.5 with it.

    Attributes:
        right: number of boxes that are right, one for an object at most.
        boxes: number of boxes.
        objects: number of objects in the truth.
    """

    right: int
    boxes: int
    objects: int

    @property
    def precision(self) -> float:
        """The share of the boxes that are right."""
        return self.right / self.boxes if self.boxes else 1.0

    @property
    def recall(self) -> float:
        """The share of the objects that have a right box."""
        return self.right / self.objects

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        return 2 * self.right / (self.boxes + self.objects)

    @property
    def corrections(self) -> int:
        """The boxes to delete and to add."""
        return self.boxes + self.objects - 2 * self.right


def find_in_sample(model: Model, thresholds: Sequence[float]) -> dict[float, Found]:
    """Return what the model finds in the frames of the truth, for each score threshold."""
    truth = json.loads(TRUTH.read_text())
    names = {each["id"]: each["name"] for each in truth["categories"]}
    detector = Detector(model, DetectorConfig(score_threshold=min(thresholds)))
    frames = decode_file(clips.SAMPLE, every_seconds=EVERY_SECONDS).frames
    files = {f"frame_{frame.index:06d}.jpg": frame.image for frame in frames}
    boxes, objects = [], []
    for number, image in enumerate(truth["images"]):
        objects.append(
            [
                _box(number, model.labels.index(names[each["category_id"]]), each["bbox"])
                for each in truth["annotations"]
                if each["image_id"] == image["id"]
            ]
        )
        found = detector.detect(files[image["file_name"]])
        boxes.append(
            [
                _box(number, class_id, (x1, y1, x2 - x1, y2 - y1), score)
                for (x1, y1, x2, y2), class_id, score in zip(
                    found.boxes.tolist(),
                    found.class_ids.tolist(),
                    found.scores.tolist(),
                    strict=True,
                )
            ]
        )
    # NMS never lets a box with a lower score remove one with a higher score. So it makes no
    # difference whether the threshold is applied before or after it.
    return {each: _compare(boxes, objects, each) for each in thresholds}


def _compare(boxes: list[list[Box]], objects: list[list[Box]], threshold: float) -> Found:
    above = [[box for box in each if box.score >= threshold] for each in boxes]
    return Found(
        right=sum(
            match.has_same_class
            for predicted, truth in zip(above, objects, strict=True)
            for match in match_boxes(predicted, truth, tolerance_pixels=1.0)
        ),
        boxes=sum(map(len, above)),
        objects=sum(map(len, objects)),
    )


def _box(image: int, class_id: int, bbox: Iterable[float], score: float = 1.0) -> Box:
    x, y, width, height = bbox
    return Box(image, class_id, (x, y, width, height), width * height, is_crowd=False, score=score)
