"""Presentation times that never run backwards."""


class Clock:
    """Turns the decoder's positions into milliseconds after the first frame.

    Some streams leave frames without a time: elementary streams all of them, MPEG program streams
    the last. OpenCV then says 0. Such a frame, and each after a clock that was set back, comes one
    period after the frame before it: the last period seen, or the nominal one.
    """

    def __init__(self, nominal_period_ms: float) -> None:
        self._period_ms = nominal_period_ms
        self._first_ms: float | None = None
        self._last_ms = 0.0

    def tick(self, position_ms: float) -> float:
        """Return the next frame's time, rounded to microseconds."""
        if self._first_ms is None:
            self._first_ms = position_ms
            return 0.0
        pts_ms = round(position_ms - self._first_ms, 3)
        if pts_ms < self._last_ms or position_ms == 0:
            pts_ms = round(self._last_ms + self._period_ms, 3)
        elif pts_ms > self._last_ms:
            self._period_ms = pts_ms - self._last_ms
        self._last_ms = pts_ms
        return pts_ms
