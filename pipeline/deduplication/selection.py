"""Select the frames to keep: first within each segment, then across segments.

Deduplication starts again in each segment, so segments can be processed apart from each other. The
merge then takes the frames that the segments kept, in time order, and drops those that an earlier
segment has too. A process that has all segments merges on the way, so no time is spent on detection
in frames that the merge drops.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.deduplication.deduplicator import Deduplicator
from pipeline.deduplication.fingerprint import Fingerprint
from pipeline.deduplication.small_changes import has_small_change
from pipeline.frame import NO_DETECTIONS, FrameRecord

if TYPE_CHECKING:
    from pipeline.config.schema import DedupeConfig
    from pipeline.frame import DuplicateMatch, Frame


class FrameSelector:
    """Decides for each frame whether it is kept. Frames must come in presentation order."""

    def __init__(self, config: DedupeConfig) -> None:
        self._segments = SegmentSelector(config)
        self._merge = Merge(config)

    def select(self, frame: Frame) -> FrameRecord:
        """Return the frame's record: kept, or dropped with the match."""
        return self._merge.select(*self._segments.select(frame))


class SegmentSelector:
    """Decides within each segment. Frames must come in presentation order."""

    def __init__(self, config: DedupeConfig) -> None:
        self._config = config
        self._segment = _Segment(-1, config)

    def select(self, frame: Frame) -> tuple[FrameRecord, Fingerprint | None]:
        """Return the frame's record as its segment decides, and the fingerprint if there is one."""
        method = self._config.method
        if method == "none":
            return _record(frame), None
        fingerprint = Fingerprint.of(frame.image, method, self._config.hash_size)
        if frame.segment != self._segment.number:
            self._segment = _Segment(frame.segment, self._config)
        duplicate = self._segment.find_duplicate(frame.index, fingerprint)
        return _record(frame, str(fingerprint.hash), duplicate), fingerprint


class Merge:
    """Decides across segments on the frames that their own segment keeps, in presentation order."""

    def __init__(self, config: DedupeConfig) -> None:
        self._kept = Deduplicator(config, "_across_segments")

    def select(self, record: FrameRecord, fingerprint: Fingerprint | None) -> FrameRecord:
        """Return the record of a frame: dropped if an earlier segment keeps one like it.

        Args:
            record: the record as its segment decided.
            fingerprint: the fingerprint of a kept frame; None: frames are not compared.
        """
        if fingerprint is None or not record.is_kept:
            return record
        duplicate = self._kept.find_duplicate(fingerprint)
        if duplicate is None:
            self._kept.keep(record.index, fingerprint)
            return record
        return replace(record, duplicate=duplicate, detections=NO_DETECTIONS)


class _Segment:
    """Decides within one segment, of which it gets every sampled frame."""

    def __init__(self, number: int, config: DedupeConfig) -> None:
        self.number = number
        self._kept = Deduplicator(config)
        self._keeps_small_changes = config.keep_small_changes
        self._previous: tuple[Fingerprint, int] | None = None

    def find_duplicate(self, index: int, fingerprint: Fingerprint) -> DuplicateMatch | None:
        """Return the match of a duplicate; keep the frame and return None if it is none."""
        match = self._kept.find_duplicate(fingerprint) or self._fade_match(fingerprint)
        if match is None:
            self._kept.keep(index, fingerprint)
        self._previous = (fingerprint, index if match is None else match.index)
        return match

    def _fade_match(self, fingerprint: Fingerprint) -> DuplicateMatch | None:
        """Return a match with the previous sample's kept frame, if this frame fades from it."""
        if self._previous is None:
            return None
        previous, kept_index = self._previous
        if not fingerprint.fades_from(previous):
            return None
        if self._keeps_small_changes and has_small_change(previous.detail, fingerprint.detail):
            return None
        return self._kept.match_with(kept_index, fingerprint, "fade")


def _record(
    frame: Frame, hash_hex: str | None = None, duplicate: DuplicateMatch | None = None
) -> FrameRecord:
    height, width = frame.image.shape[:2]
    return FrameRecord(frame.index, frame.pts_ms, frame.segment, width, height, hash_hex, duplicate)
