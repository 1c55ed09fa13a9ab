"""The dataset of one run: the kept frames with what was found, and every frame that was dropped."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.coverage import Coverage

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline.frame import Detections, Twin


@dataclass(frozen=True, slots=True)
class SampledFrame:
    """A row of frames.csv.

    Attributes:
        index: frame index in the source.
        pts_ms: milliseconds after the first frame.
        segment: the segment it was sampled in.
        hash: its perceptual hash in hex, as imagehash writes it; None with `dedupe.method` none.
        twin: what it duplicates; None if it was kept.
    """

    index: int
    pts_ms: float
    segment: int
    hash: str | None
    twin: Twin | None


@dataclass(frozen=True, slots=True)
class AnnotatedFrame:
    """A kept frame with its objects; width and height in displayed pixels."""

    sampled: SampledFrame
    width: int
    height: int
    detections: Detections

    @property
    def file_name(self) -> str:
        """Its name below `images/default`: the number is the source's own frame index."""
        return f"frame_{self.sampled.index:06d}.jpg"


@dataclass
class Dataset:
    """What a run found.

    Attributes:
        video: what the video is called.
        modified: when this version of the video was made, UTC; None if unknown.
        labels: all classes of the model, in its order.
        hash_name: the hash's method, None without one.
        start_ms: the stream's own time of its first frame; None if unknown.
        coverage: what was decoded of the video, and what is missing.
        sampled: each sampled frame, in order.
        kept: the kept ones, in order.
    """

    video: str
    modified: datetime | None
    labels: tuple[str, ...]
    hash_name: str | None
    start_ms: float | None = None
    coverage: Coverage = field(default_factory=Coverage)
    sampled: list[SampledFrame] = field(default_factory=list)
    kept: list[AnnotatedFrame] = field(default_factory=list)

    def add(self, sampled: SampledFrame, annotated: AnnotatedFrame | None) -> None:
        """Add the next frame, and its objects if it was kept."""
        self.sampled.append(sampled)
        if annotated is not None:
            self.kept.append(annotated)
