"""Presentation times that never run backwards."""

# Frames that a decoder hands out in the wrong order are some frames apart, never this far.
_REORDERING_MS = 1000.0
_USUAL_PERIOD_MS = 40.0
# A longer pause is believed when the next frame is beyond it too: a damaged time is alone.
_LONGEST_PAUSE_MS = 3_600_000.0
# So many frames may a decoder hold back (H.264: 16). A clock is set back if more come early: after
# a hole, frames from before it come among those from behind it.
_MOST_HELD_BACK = 16


class Clock:
    """Turns the decoder's positions into milliseconds after the first frame.

    Some streams leave frames without a time: elementary streams all of them, MPEG program streams
    the last; OpenCV then says 0. Such a frame comes one nominal period after the one before it.
    After damage a frame may come a little too late: it is given the time of the one before it. A
    clock that was set back (two recordings joined) goes on where it was; one time that is far ahead
    of all others is not believed.
    """

    def __init__(self, nominal_rate: float) -> None:
        """Start the clock.

        Args:
            nominal_rate: frames a second, as the header claims; only for frames without a time.
        """
        believable = 1 <= nominal_rate <= 1000  # noqa: PLR2004 - headers also claim 0 and 90,000
        self._period_ms = 1000 / nominal_rate if believable else _USUAL_PERIOD_MS
        self._offset_ms: float | None = None
        self._last_ms = 0.0
        self._leapt = False
        self._early = 0

    def tick(self, position_ms: float) -> float:
        """Return the next frame's time, rounded to microseconds."""
        if self._offset_ms is None:
            self._offset_ms = -position_ms
            return 0.0
        pts_ms = position_ms + self._offset_ms
        leaps = pts_ms > self._last_ms + _LONGEST_PAUSE_MS
        timeless = position_ms == 0 and self._offset_ms <= 0  # OpenCV says 0 for no time at all
        if timeless or (leaps and not self._leapt):
            pts_ms = self._last_ms + self._period_ms
        self._leapt = leaps
        self._early = self._early + 1 if pts_ms < self._last_ms - _REORDERING_MS else 0
        if self._early > _MOST_HELD_BACK:
            pts_ms = self._last_ms + self._early * self._period_ms
            self._offset_ms = pts_ms - position_ms
            self._early = 0
        self._last_ms = max(self._last_ms, round(pts_ms, 3))
        return self._last_ms
