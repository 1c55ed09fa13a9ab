"""The dataset of one run: a record for each sampled frame, and what is known of the video."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.dataset.thumbnails import ContactSheet
from pipeline.frame import Display
from pipeline.runlog import Coverage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from pipeline.dataset.thumbnails import Thumbnail
    from pipeline.frame import FrameRecord, Track


@dataclass
class Dataset:
    """The result of a run.

    Attributes:
        video: name of the video.
        modified: when this version of the video was made, in UTC; None if unknown.
        labels: all classes of the model, in the model's order.
        size_bytes: size of the video's file.
        hash_name: method of the perceptual hash; None if there is none.
        start_ms: stream time of the first frame; None if unknown.
        display: how the images were made of the stored pixels.
        track: which video track was decoded; None if unknown.
        coverage: how much of the video was decoded.
        frames: the sampled frames, in order.
        contact_sheet: thumbnails of kept frames, for the report.
    """

    video: str
    modified: datetime | None
    labels: tuple[str, ...]
    hash_name: str | None
    size_bytes: int = 0
    start_ms: float | None = None
    display: Display = field(default_factory=Display)
    track: Track | None = None
    coverage: Coverage = field(default_factory=Coverage)
    frames: list[FrameRecord] = field(default_factory=list)
    contact_sheet: ContactSheet = field(default_factory=ContactSheet)

    def add(self, frame: FrameRecord, thumbnail: Thumbnail | None = None) -> None:
        """Add the next sampled frame, and its thumbnail if it has one."""
        self.frames.append(frame)
        if thumbnail is not None:
            self.contact_sheet.add(thumbnail)

    @property
    def kept(self) -> list[FrameRecord]:
        """The kept frames, in order."""
        return [frame for frame in self.frames if frame.is_kept]

    def detections_by_class(self) -> Counter[str]:
        """Return the number of objects by label."""
        counts: Counter[str] = Counter()
        for frame in self.kept:
            counts.update(self.labels[class_id] for class_id in frame.detections.class_ids)
        return counts

    def scores(self) -> Iterator[float]:
        """Yield the score of each object, 0 to 1."""
        for frame in self.kept:
            yield from frame.detections.scores.tolist()
