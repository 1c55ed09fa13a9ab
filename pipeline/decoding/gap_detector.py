"""Find missing frames: by what is known of the packets, and by gaps between presentation times.

A gap alone may be a pause. It shows missing frames where packets may be missing, and where frames
come at a regular rate: then it is as many frames too long as are missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipeline.coverage import Coverage, MissingRange
from pipeline.decoding.evidence import KnownEnd
from pipeline.decoding.header import HeaderInfo

if TYPE_CHECKING:
    from pipeline.decoding.evidence import GapEvidence, HeaderEnd, VideoEnd

# Each gap is compared with the gaps around it, this many at a time: the frame rate can change.
_WINDOW = 256
# The rate is regular if this share of the gaps is one period long, within a tolerance: some
# containers round times to milliseconds, and periods vary by up to a tenth.
_REGULAR_SHARE = 0.9
_ROUNDING_MS = 1.5
_JITTER = 0.1
# Missing ranges beyond this number are counted but not listed.
_MAX_LISTED_RANGES = 100
# Headers round the length. A smaller difference at the end does not count as missing.
_END_SLACK_SECONDS = 1.0
_END_SLACK_SHARE = 0.02
_NO_HEADER = HeaderInfo()


@dataclass(slots=True)
class _Gap:
    start_ms: float
    length_ms: float
    evidence: GapEvidence
    late: int = 0


class GapDetector:
    """Receives the time of each decoded frame, and computes the coverage at the end."""

    def __init__(self) -> None:
        self._decoded = 0
        self._lost = 0
        self._lost_ms = 0.0
        self._missing_ranges: list[MissingRange] = []
        self._repeated_times = 0
        self._last_ms: float | None = None
        self._period_ms: float | None = None
        self._gaps: list[_Gap] = []

    def add_frame(self, pts_ms: float, evidence: GapEvidence) -> None:
        """Add a decoded frame, and what is known of the time since the frame before it."""
        self._decoded += 1
        if self._last_ms is not None:
            self._gaps.append(_Gap(self._last_ms, pts_ms - self._last_ms, evidence))
        elif evidence.lost:
            self._add_range(MissingRange(pts_ms - evidence.lead_ms, pts_ms, evidence.lost))
        if evidence.late:
            self._take_back(evidence.late)
        self._last_ms = pts_ms
        if len(self._gaps) == _WINDOW:
            self._evaluate_window()

    def finish(self, end: VideoEnd, header: HeaderInfo = _NO_HEADER) -> Coverage:
        """Return what was decoded and what is missing.

        Args:
            end: what is known of the end. Pass an empty one if the end was not to be reached.
            header: what the header says; empty if the end was not to be reached.
        """
        self._evaluate_window()
        if isinstance(end, KnownEnd):
            return self._coverage(self._short_after(end))
        frames = header.frames
        if frames is not None and self._decoded >= frames:
            return Coverage(self._decoded)
        short_ms = self._milliseconds_short(end, header)
        if frames is not None:
            if end.read_past_end and short_ms:
                self._add_missing_end(max(1, frames - self._decoded - self._lost), short_ms)
            short_ms = 0.0  # all frames of the index were read, or an edit list leaves some out
        return self._coverage(short_ms)

    def _coverage(self, short_ms: float) -> Coverage:
        return Coverage(
            decoded=self._decoded,
            lost=self._lost,
            seconds_lost=round(self._lost_ms / 1000, 3),
            missing_ranges=tuple(self._missing_ranges),
            seconds_short=round(short_ms / 1000, 3),
        )

    def _take_back(self, late: int) -> None:
        """Count frames that came late no longer as lost."""
        for gap in reversed(self._gaps):
            if gap.evidence.lost > gap.late:
                gap.late += late
                return

    def _evaluate_window(self) -> None:
        if not self._gaps:
            return
        lengths_ms = np.array([gap.length_ms for gap in self._gaps])
        evidence = [gap.evidence for gap in self._gaps]
        is_damaged = any(each.failed or each.lost or each.is_damaged for each in evidence)
        period_ms = _regular_period_ms(lengths_ms)
        if period_ms is None and is_damaged:
            period_ms = _period_of_rest_ms(lengths_ms, self._period_ms)
        self._period_ms = period_ms or self._period_ms
        for gap in self._gaps:
            missing = self._missing_in(gap, period_ms) - gap.late
            if missing > 0:
                end_ms = gap.start_ms + gap.length_ms
                due_ms = min(end_ms, gap.start_ms + (period_ms or 0.0))
                self._add_range(MissingRange(round(due_ms, 3), round(end_ms, 3), missing))
        self._gaps.clear()

    def _missing_in(self, gap: _Gap, period_ms: float | None) -> int:
        """Return how many frames are missing in a gap: by its length, if that can show it."""
        if not gap.evidence.may_miss or gap.evidence.late:
            return gap.evidence.lost
        if period_ms is None:
            return max(gap.evidence.lost, gap.evidence.failed)
        return self._subtract_repeated_times(round(gap.length_ms / period_ms) - 1)

    def _subtract_repeated_times(self, missing: int) -> int:
        """Return how many frames are missing in a gap.

        A frame that got the time of the frame before it makes a gap of 0 (`missing` is -1) and
        leaves a longer gap elsewhere. So such frames are subtracted from later gaps.
        """
        explained = min(self._repeated_times, max(0, missing))
        self._repeated_times += (missing < 0) - explained
        return missing - explained

    def _short_after(self, end: KnownEnd) -> float:
        """Add the missing end, if there is one; return how much shorter the video is otherwise."""
        period_ms = self._period_ms or end.period_ms
        length_ms = (self._last_ms or 0.0) + period_ms
        left_ms = end.left_share * length_ms
        is_short, is_left = (ms > _slack_ms(length_ms + ms) for ms in (end.short_ms, left_ms))
        missing = end.lost + end.unread
        if end.is_damaged and period_ms:
            # The header tells it, or else the bytes that could not be read.
            by_time = round((end.short_ms or left_ms * is_left) / period_ms)
            missing = end.lost + max(end.unread, by_time)
        if missing > 0:
            self._add_missing_end(missing, missing * period_ms)
            return 0.0
        return end.short_ms if is_short else 0.0

    def _milliseconds_short(self, end: HeaderEnd, header: HeaderInfo) -> float:
        if header.seconds is None or self._last_ms is None:
            return 0.0
        end_ms = self._last_ms + (self._period_ms or 0.0) + max(0.0, end.start_ms or 0.0)
        short_ms = header.seconds * 1000 - end_ms
        return short_ms if short_ms > _slack_ms(header.seconds * 1000) else 0.0

    def _add_missing_end(self, missing: int, length_ms: float) -> None:
        from_ms = (self._last_ms or 0.0) + (self._period_ms or 0.0)
        self._add_range(MissingRange(round(from_ms, 3), round(from_ms + length_ms, 3), missing))

    def _add_range(self, missing: MissingRange) -> None:
        self._lost += missing.frames
        self._lost_ms += missing.to_ms - missing.from_ms
        if len(self._missing_ranges) < _MAX_LISTED_RANGES:
            self._missing_ranges.append(missing)


def _slack_ms(header_ms: float) -> float:
    return max(1000 * _END_SLACK_SECONDS, _END_SLACK_SHARE * header_ms)


def _regular_period_ms(gaps_ms: np.ndarray) -> float | None:
    """Return the period of the frames in milliseconds; None if they come at no regular rate."""
    period_ms = float(np.median(gaps_ms))
    if period_ms > 0 and _mostly_near(gaps_ms, np.full_like(gaps_ms, period_ms)):
        return period_ms
    return None


def _period_of_rest_ms(gaps_ms: np.ndarray, known_period_ms: float | None) -> float | None:
    """Return the period of frames of which so many are missing that it is not the usual gap.

    It is the one known from before, or else the shortest that a share of the gaps has, if the gaps
    are multiples of it. Of a period that is hardly longer than the rounding, any gap is a multiple.
    """
    shortest_ms = float(np.quantile(gaps_ms, 1 - _REGULAR_SHARE))
    for period_ms in (known_period_ms or 0.0, shortest_ms):
        if period_ms < _ROUNDING_MS / _JITTER:
            continue
        if _mostly_near(gaps_ms, np.rint(gaps_ms / period_ms) * period_ms):
            return period_ms
    return None


def _mostly_near(gaps_ms: np.ndarray, expected_ms: np.ndarray) -> bool:
    tolerance_ms = max(_ROUNDING_MS, _JITTER * float(expected_ms.min()))
    return float((np.abs(gaps_ms - expected_ms) <= tolerance_ms).mean()) >= _REGULAR_SHARE
