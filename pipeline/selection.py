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
from pipeline.hashing import perceptual_hash

if TYPE_CHECKING:
    from imagehash import ImageHash

    from pipeline.config import Dedupe
    from pipeline.frame import Frame


class Selection:
    """Judges frames in presentation order."""

    def __init__(self, config: Dedupe) -> None:
        self._config = config
        self._segment = -1
        self._within = self._deduplicator("duplicate")
        self._across = self._deduplicator("duplicate_across_segments")

    def fingerprint(self, frame: Frame) -> ImageHash | None:
        """Return what frames are compared by: of this frame alone, so any thread may ask."""
        if self._config.method == "none":
            return None
        return perceptual_hash(frame.image, self._config.method, self._config.hash_size)

    def judge(self, frame: Frame, bits: ImageHash | None) -> SampledFrame:
        """Return the frame's row: kept, or dropped with its twin."""
        if bits is None:
            return SampledFrame(frame.index, frame.pts_ms, frame.segment, hash=None, twin=None)
        if frame.segment != self._segment:
            self._segment = frame.segment
            self._within = self._deduplicator("duplicate")
        twin = self._within.twin_of(frame.index, bits) or self._across.twin_of(frame.index, bits)
        return SampledFrame(frame.index, frame.pts_ms, frame.segment, str(bits), twin)

    def _deduplicator(self, reason: str) -> Deduplicator:
        return Deduplicator(self._config, reason)
