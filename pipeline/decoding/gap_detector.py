"""Find missing frames by the gaps between presentation times.

OpenCV does not report damaged packets. But where frames come at a regular rate, a gap that is
longer than one period shows that frames are missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.runlog import Coverage, MissingRange

if TYPE_CHECKING:
    from pipeline.decoding.header import HeaderInfo

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
        self._gaps: list[tuple[float, float, int]] = []  # start, length, failed grabs in it

    def add_frame(self, pts_ms: float, *, failed_grabs_before: int = 0) -> None:
        """Add a decoded frame, and the number of failed grabs since the frame before it."""
        self._decoded += 1
        if self._last_ms is not None:
            self._gaps.append((self._last_ms, pts_ms - self._last_ms, failed_grabs_before))
        self._last_ms = pts_ms
        if len(self._gaps) == _WINDOW:
            self._evaluate_window()

    def finish(
        self, header: HeaderInfo, *, start_ms: float | None = None, read_past_end: bool = False
    ) -> Coverage:
        """Return what was decoded and what is missing.

        Args:
            header: what the header says. Pass an empty one if the end was not to be reached.
            start_ms: stream time of the first frame; some headers count their length from 0.
            read_past_end: whether the decoder tried to read beyond the end of the file.
        """
        self._evaluate_window()
        if header.frames is not None and self._decoded >= header.frames:
            return Coverage(self._decoded)
        short_ms = self._milliseconds_short(header, start_ms)
        if header.frames is not None:
            if read_past_end and short_ms:
                self._add_missing_end(header.frames, short_ms)
            short_ms = 0.0  # all frames of the index were read, or an edit list leaves some out
        return Coverage(
            decoded=self._decoded,
            lost=self._lost,
            seconds_lost=round(self._lost_ms / 1000, 3),
            missing_ranges=tuple(self._missing_ranges),
            seconds_short=round(short_ms / 1000, 3),
        )

    def _evaluate_window(self) -> None:
        if not self._gaps:
            return
        lengths_ms = np.array([length for _, length, _ in self._gaps])
        has_failed_grabs = any(failed for _, _, failed in self._gaps)
        period_ms = _regular_period_ms(lengths_ms, self._period_ms if has_failed_grabs else None)
        self._period_ms = period_ms or self._period_ms
        for start_ms, length_ms, failed in self._gaps:
            if period_ms is not None:
                missing = self._subtract_repeated_times(round(length_ms / period_ms) - 1)
                due_ms = start_ms + period_ms
            else:
                missing, due_ms = failed, start_ms
            if missing > 0:
                end_ms = start_ms + length_ms
                self._add_range(MissingRange(round(due_ms, 3), round(end_ms, 3), missing))
        self._gaps.clear()

    def _subtract_repeated_times(self, missing: int) -> int:
        """Return how many frames are missing in a gap.

        A frame that got the time of the frame before it makes a gap of 0 (`missing` is -1) and
        leaves a longer gap elsewhere. So such frames are subtracted from later gaps.
        """
        explained = min(self._repeated_times, max(0, missing))
        self._repeated_times += (missing < 0) - explained
        return missing - explained

    def _milliseconds_short(self, header: HeaderInfo, start_ms: float | None) -> float:
        if header.seconds is None or self._last_ms is None:
            return 0.0
        end_ms = self._last_ms + (self._period_ms or 0.0) + max(0.0, start_ms or 0.0)
        short_ms = header.seconds * 1000 - end_ms
        slack_ms = 1000 * max(_END_SLACK_SECONDS, _END_SLACK_SHARE * header.seconds)
        return short_ms if short_ms > slack_ms else 0.0

    def _add_missing_end(self, header_frames: int, short_ms: float) -> None:
        from_ms = (self._last_ms or 0.0) + (self._period_ms or 0.0)
        missing = max(1, header_frames - self._decoded - self._lost)
        self._add_range(MissingRange(round(from_ms, 3), round(from_ms + short_ms, 3), missing))

    def _add_range(self, missing: MissingRange) -> None:
        self._lost += missing.frames
        self._lost_ms += missing.to_ms - missing.from_ms
        if len(self._missing_ranges) < _MAX_LISTED_RANGES:
            self._missing_ranges.append(missing)


def _regular_period_ms(gaps_ms: np.ndarray, known_period_ms: float | None) -> float | None:
    """Return the period of the frames in milliseconds; None if they come at no regular rate.

    If grabs failed, so many frames can be missing that the period no longer shows. Then the period
    known from before is used, if the gaps are multiples of it.
    """
    period_ms = float(np.median(gaps_ms))
    if period_ms > 0 and _mostly_near(gaps_ms, np.full_like(gaps_ms, period_ms)):
        return period_ms
    if known_period_ms is not None:
        multiples_ms = np.rint(gaps_ms / known_period_ms) * known_period_ms
        if _mostly_near(gaps_ms, multiples_ms):
            return known_period_ms
    return None


def _mostly_near(gaps_ms: np.ndarray, expected_ms: np.ndarray) -> bool:
    tolerance_ms = max(_ROUNDING_MS, _JITTER * float(expected_ms.min()))
    return float((np.abs(gaps_ms - expected_ms) <= tolerance_ms).mean()) >= _REGULAR_SHARE
