"""Which sampled frames are kept: segment by segment, then across segments.

Deduplication starts afresh in each segment, so that segments can be worked on apart. The merge
joins them in time order and drops what an earlier segment already has. The merge is a fold over
the frames that segments kept, so a process that has all segments merges as it goes, and need
not detect in frames that the merge drops.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.dataset import SampledFrame
from pipeline.dedupe import Deduplicator
from pipeline.fingerprint import Fingerprint

if TYPE_CHECKING:
    from pipeline.config import Dedupe
    from pipeline.frame import Frame, Twin


class Selection:
    """Judges frames in presentation order."""

    def __init__(self, config: Dedupe) -> None:
        self._config = config
        self._segment = _Segment(-1, config)
        self._across = Deduplicator(config, "_across_segments")

    def fingerprint(self, frame: Frame) -> Fingerprint | None:
        """Return what frames are compared by: of this frame alone, so any thread may ask."""
        if self._config.method == "none":
            return None
        return Fingerprint.of(frame.image, self._config.method, self._config.hash_size)

    def judge(self, frame: Frame, fingerprint: Fingerprint | None) -> SampledFrame:
        """Return the frame's row: kept, or dropped with its twin."""
        if fingerprint is None:
            return SampledFrame(frame.index, frame.pts_ms, frame.segment, hash=None, twin=None)
        if frame.segment != self._segment.number:
            self._segment = _Segment(frame.segment, self._config)
        twin = self._segment.twin_of(frame.index, fingerprint)
        if twin is None:
            twin = self._across.twin_of(fingerprint)
            if twin is None:
                self._across.keep(frame.index, fingerprint)
        hashed = str(fingerprint.bits)
        return SampledFrame(frame.index, frame.pts_ms, frame.segment, hashed, twin)


class _Segment:
    """Judges the frames of one segment, of which it sees each."""

    def __init__(self, number: int, config: Dedupe) -> None:
        self.number = number
        self._kept = Deduplicator(config)
        self._before: tuple[Fingerprint, int] | None = None

    def twin_of(self, index: int, fingerprint: Fingerprint) -> Twin | None:
        """Return the frame's twin, or keep it."""
        twin = self._kept.twin_of(fingerprint) or self._faded(fingerprint)
        if twin is None:
            self._kept.keep(index, fingerprint)
        self._before = (fingerprint, index if twin is None else twin.index)
        return twin

    def _faded(self, fingerprint: Fingerprint) -> Twin | None:
        """Return the twin of the frame before, if this one only fades from it."""
        if self._before is None:
            return None
        before, kept = self._before
        if not fingerprint.fades_from(before):
            return None
        return self._kept.twin_at(kept, fingerprint, "fade")
