"""The stages of one frame between the decoder and the dataset: select, detect, write."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2

from pipeline.dataset.thumbnails import Candidates, make_thumbnail
from pipeline.deduplication.selection import FrameSelector

if TYPE_CHECKING:
    from pipeline.config.schema import Config
    from pipeline.dataset.thumbnails import Thumbnail
    from pipeline.detection.detector import Detector
    from pipeline.frame import Frame, FrameRecord, Image
    from pipeline.runlog import RunLog
    from pipeline.storage.publisher import Publisher

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


class FrameStages:
    """The stages of one run. Any thread may call them, but `select` needs the frames in order."""

    def __init__(
        self, config: Config, detector: Detector, publisher: Publisher, log: RunLog
    ) -> None:
        self._output = config.output
        self._selector = FrameSelector(config.dedupe)
        self._candidates = Candidates()
        self._detector = detector
        self._publisher = publisher
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
            detections = self._detector.detect(staged.image)
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
            self._publisher.put(f"images/default/{staged.record.file_name}", staged.jpeg)
        return staged


def encode_jpeg(image: Image, quality: int) -> bytes:
    """Return an image as JPEG. The quality is from 1 to 100."""
    _, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return jpeg.tobytes()
