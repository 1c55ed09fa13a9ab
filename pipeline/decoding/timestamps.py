"""Presentation times: positions in the stream, corrected so that they never run backwards."""

# Frames that a decoder returns in the wrong order are a few frames apart, always less than this.
_REORDERING_MS = 1000.0
_DEFAULT_PERIOD_MS = 40.0
# A longer pause is accepted only if the next frame comes after it too. A damaged time stands alone.
_LONGEST_PAUSE_MS = 3_600_000.0
# A decoder holds back at most this many frames (H.264: 16). If more frames in a row come early, the
# clock was set back; after missing data, fewer frames from before it can follow ones from after it.
_MAX_REORDERED_FRAMES = 16


class PresentationClock:
    """Converts decoder positions to presentation times in milliseconds after the first frame.

    - A frame without a time gets the time of the frame before it plus one nominal period. OpenCV
      reports such a frame at 0. Elementary streams have no times at all; MPEG program streams have
      none for the last frame.
    - A frame that comes too late, as happens after damage, gets the time of the frame before it.
    - If the clock was set back, as in two recordings joined, time continues from where it was.
    - A single time far ahead of all others is ignored.
    """

    def __init__(self, nominal_rate: float) -> None:
        """Create a clock.

        Args:
            nominal_rate: frames per second according to the header. Used only for frames
                without a time.
        """
        is_plausible = 1 <= nominal_rate <= 1000  # noqa: PLR2004 - headers also say 0 and 90,000
        self._period_ms = 1000 / nominal_rate if is_plausible else _DEFAULT_PERIOD_MS
        self._offset_ms: float | None = None
        self._last_ms = 0.0
        self._last_was_far_ahead = False
        self._early_frames = 0

    def next_pts_ms(self, position_ms: float) -> float:
        """Return the presentation time of the next frame, rounded to microseconds."""
        if self._offset_ms is None:
            self._offset_ms = -position_ms
            return 0.0
        pts_ms = position_ms + self._offset_ms
        is_far_ahead = pts_ms > self._last_ms + _LONGEST_PAUSE_MS
        has_no_time = position_ms == 0 and self._offset_ms <= 0
        if has_no_time or (is_far_ahead and not self._last_was_far_ahead):
            pts_ms = self._last_ms + self._period_ms
        self._last_was_far_ahead = is_far_ahead
        is_early = pts_ms < self._last_ms - _REORDERING_MS
        self._early_frames = self._early_frames + 1 if is_early else 0
        if self._early_frames > _MAX_REORDERED_FRAMES:
            pts_ms = self._last_ms + self._early_frames * self._period_ms
            self._offset_ms = pts_ms - position_ms
            self._early_frames = 0
        self._last_ms = max(self._last_ms, round(pts_ms, 3))
        return self._last_ms
