"""Presentation times: positions in the stream, corrected so that they never run backwards.

They are exact fractions up to the last step. A sum of rounded periods would come too early at a
grid point, and the frame would not be sampled.
"""

from fractions import Fraction

# Frames that a decoder returns in the wrong order are a few frames apart, always less than this.
_REORDERING_MS = 1000
_DEFAULT_PERIOD_MS = Fraction(40)
# Rates are such as 30000/1001, of which headers give a rounded value.
_LARGEST_DENOMINATOR = 100_000
# A longer pause is accepted only if the next frame comes after it too. A damaged time stands alone.
_LONGEST_PAUSE_MS = 3_600_000
# A decoder holds back at most this many frames (H.264: 16). If more frames in a row come early, the
# clock was set back; after missing data, fewer frames from before it can follow ones from after it.
_MAX_REORDERED_FRAMES = 16


class PresentationClock:
    """Converts decoder positions to presentation times in milliseconds after the first frame.

    - A frame without a time gets the time of the frame before it plus one nominal period. MPEG
      program streams have none for the last frame.
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
        self._period_ms = (
            1000 / Fraction(nominal_rate).limit_denominator(_LARGEST_DENOMINATOR)
            if is_plausible
            else _DEFAULT_PERIOD_MS
        )
        self._offset_ms: Fraction | None = None
        self._last_ms = Fraction(0)
        self._last_was_far_ahead = False
        self._early_frames = 0

    def next_pts_ms(self, position_ms: Fraction | None) -> float:
        """Return the presentation time of the next frame, rounded to microseconds.

        Args:
            position_ms: its position in the stream; None if it has none.
        """
        if self._offset_ms is None:
            self._offset_ms = -(position_ms or Fraction(0))
            return 0.0
        if position_ms is None:
            self._last_ms += self._period_ms
        else:
            self._move_to(position_ms, position_ms + self._offset_ms)
        return round(float(self._last_ms), 3)

    def _move_to(self, position_ms: Fraction, pts_ms: Fraction) -> None:
        is_far_ahead = pts_ms > self._last_ms + _LONGEST_PAUSE_MS
        if is_far_ahead and not self._last_was_far_ahead:
            pts_ms = self._last_ms + self._period_ms
        self._last_was_far_ahead = is_far_ahead
        is_early = pts_ms < self._last_ms - _REORDERING_MS
        self._early_frames = self._early_frames + 1 if is_early else 0
        if self._early_frames > _MAX_REORDERED_FRAMES:
            pts_ms = self._last_ms + self._early_frames * self._period_ms
            self._offset_ms = pts_ms - position_ms
            self._early_frames = 0
        self._last_ms = max(self._last_ms, pts_ms)
