"""The dataset of one run: a record for each sampled frame, and what is known of the video."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.coverage import Coverage
from pipeline.dataset.frame_table import FrameTable
from pipeline.dataset.thumbnails import ContactSheet
from pipeline.frame import Display

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
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
        frames: a record for each sampled frame, in order.
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
    frames: FrameTable = field(default_factory=FrameTable)
    contact_sheet: ContactSheet = field(default_factory=ContactSheet)

    def add(self, frame: FrameRecord, thumbnail: Thumbnail | None = None) -> None:
        """Add the next sampled frame, and its thumbnail if it has one."""
        self.frames.append(frame)
        if thumbnail is not None:
            self.contact_sheet.add(thumbnail)

    def extend(self, frames: FrameTable, thumbnails: Iterable[Thumbnail]) -> None:
        """Add the next sampled frames, and the thumbnails of some of them, in order."""
        self.frames.extend(frames)
        for thumbnail in thumbnails:
            self.contact_sheet.add(thumbnail)

    def detections_by_class(self) -> Counter[str]:
        """Return the number of objects by label."""
        return Counter(self.labels[class_id] for class_id in self.frames.objects().class_ids)

    def scores(self) -> Iterator[float]:
        """Yield the score of each object, 0 to 1."""
        yield from self.frames.objects().scores.tolist()
