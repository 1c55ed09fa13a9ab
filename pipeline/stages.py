"""The stages of one frame between the decoder and the dataset: select, detect, write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import cv2

from pipeline.dataset.thumbnails import make_thumbnail

if TYPE_CHECKING:
    from pipeline.config.schema import OutputConfig
    from pipeline.dataset.classes import ClassMap
    from pipeline.dataset.thumbnails import Candidates, Thumbnail
    from pipeline.detection.detector import Detector
    from pipeline.frame import Frame, FrameRecord, Image
    from pipeline.runlog import RunLog

PutImage = Callable[[str, bytes], None]
"""Writes one image: its path, relative to the run's folder, and its bytes. Any thread calls it.

For an archive, one thread does, in order.
"""

# Several frames are processed in parallel, each by one thread.
cv2.setNumThreads(1)


@dataclass(frozen=True, slots=True)
class StagedFrame:
    """A frame on its way through the stages.

    Attributes:
        record: what the dataset will hold of it.
        image: its image, from `select` to `detect`; None for a dropped frame.
        jpeg: its encoded image, from `detect` to `write_image`; None if it is not to be written.
        is_candidate: whether it is to have a thumbnail, for the report.
        thumbnail: the thumbnail, from `detect` on.
    """

    record: FrameRecord
    image: Image | None = None
    jpeg: bytes | None = None
    is_candidate: bool = False
    thumbnail: Thumbnail | None = None


class Selector(Protocol):
    """Decides for each frame whether it is kept."""

    def select(self, frame: Frame) -> FrameRecord:
        """Return the frame's record. Frames must come in presentation order."""


class FrameStages:
    """The stages of one run. Any thread may call them, but `select` needs the frames in order."""

    def __init__(  # noqa: PLR0913, PLR0917 - each argument is a part of a stage
        self,
        output: OutputConfig,
        selector: Selector,
        detector: Detector,
        classes: ClassMap,
        put: PutImage,
        log: RunLog,
        candidates: Candidates,
    ) -> None:
        """Create the stages.

        Args:
            output: which images are written.
            selector: decides which frames are kept.
            detector: finds the objects.
            classes: takes its classes to those of the dataset.
            put: writes an image.
            log: gets counts and times.
            candidates: decides which frames have thumbnails.
        """
        self._output = output
        self._selector = selector
        self._candidates = candidates
        self._detector = detector
        self._classes = classes
        self._put = put
        self._log = log

    def select(self, frame: Frame) -> StagedFrame:
        """Keep the frame, or drop it as a duplicate of one before it."""
        with self._log.measure("dedupe") as dedupe:
            record = self._selector.select(frame)
            dedupe.items_out += record.is_kept
        if not record.is_kept:
            return StagedFrame(record)
        is_candidate = self._output.images and self._candidates.takes(record.pts_ms)
        return StagedFrame(record, frame.image, is_candidate=is_candidate)

    def detect(self, staged: StagedFrame) -> StagedFrame:
        """Detect the objects in a kept frame, and encode its image as JPEG."""
        if staged.image is None:
            return staged
        with self._log.measure("detect") as detect:
            detections = self._classes.apply(self._detector.detect(staged.image))
            detect.items_out += len(detections)
        record = replace(staged.record, detections=detections)
        if not self._output.images:
            return StagedFrame(record)
        with self._log.measure("encode") as encode:
            jpeg = encode_jpeg(staged.image, self._output.jpeg_quality)
            thumbnail = None
            if staged.is_candidate:
                thumbnail = make_thumbnail(record.index, record.pts_ms, staged.image)
            encode.items_out += 1
        return StagedFrame(record, jpeg=jpeg, thumbnail=thumbnail)

    def write_image(self, staged: StagedFrame) -> StagedFrame:
        """Write the JPEG of a kept frame."""
        if staged.jpeg is not None:
            self._put(staged.record.image_path, staged.jpeg)
        return staged


def encode_jpeg(image: Image, quality: int) -> bytes:
    """Return an image as JPEG. The quality is from 1 to 100."""
    _, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return jpeg.tobytes()
