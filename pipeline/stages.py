"""What is done to each frame between the decoder and the dataset, stage by stage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2

from pipeline.dataset import AnnotatedFrame
from pipeline.selection import Selection

if TYPE_CHECKING:
    from pipeline.config import Config
    from pipeline.dataset import SampledFrame
    from pipeline.delivery import Delivery
    from pipeline.detection.detector import Detector
    from pipeline.frame import Frame, Image
    from pipeline.runlog import RunLog

# Frames are worked on side by side; one needs no threads of its own.
cv2.setNumThreads(1)


@dataclass(frozen=True, slots=True)
class Judged:
    """A frame's row, and its picture if it was kept."""

    sampled: SampledFrame
    image: Image | None


@dataclass(frozen=True, slots=True)
class Labelled:
    """A frame's row, and if it was kept, its objects and its JPEG (None if not asked for)."""

    sampled: SampledFrame
    annotated: AnnotatedFrame | None = None
    jpeg: bytes | None = None


class Stages:
    """One run's work on a frame; any thread may do it, but `judge` goes in the frames' order."""

    def __init__(self, config: Config, detector: Detector, delivery: Delivery, log: RunLog) -> None:
        self._output = config.output
        self._selection = Selection(config.dedupe)
        self._detector = detector
        self._delivery = delivery
        self._log = log

    def judge(self, frame: Frame) -> Judged:
        """Keep the frame or drop it, by those before it."""
        with self._log.work("dedupe") as dedupe:
            sampled = self._selection.judge(frame, self._selection.fingerprint(frame))
            dedupe.items_out += sampled.twin is None
        return Judged(sampled, frame.image if sampled.twin is None else None)

    def label(self, judged: Judged) -> Labelled:
        """Detect the objects in a kept frame, and encode it."""
        if judged.image is None:
            return Labelled(judged.sampled)
        with self._log.work("detect") as detect:
            found = self._detector.detect(judged.image)
            detect.items_out += len(found)
        height, width = judged.image.shape[:2]
        annotated = AnnotatedFrame(judged.sampled, width, height, found)
        jpeg = self._jpeg(judged.image) if self._output.images else None
        return Labelled(judged.sampled, annotated, jpeg)

    def deliver(self, labelled: Labelled) -> Labelled:
        """Deliver a kept frame's JPEG."""
        if labelled.annotated is not None and labelled.jpeg is not None:
            self._delivery.put(f"images/default/{labelled.annotated.file_name}", labelled.jpeg)
        return labelled

    def _jpeg(self, image: Image) -> bytes:
        with self._log.work("encode") as encode:
            quality = [cv2.IMWRITE_JPEG_QUALITY, self._output.jpeg_quality]
            _, jpeg = cv2.imencode(".jpg", image, quality)
            encode.items_out += 1
        return jpeg.tobytes()
