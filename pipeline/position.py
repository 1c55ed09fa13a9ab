"""Where a capture stands, in the stream's own time."""

import cv2

# OpenCV tells the start in frame periods; of slide shows that says nothing.
_LONGEST_PERIOD_MS = 100.0


def position_ms(capture: cv2.VideoCapture) -> float:
    """Return where a capture is, in milliseconds after the stream's start, to microseconds."""
    return round(capture.get(cv2.CAP_PROP_POS_MSEC), 3)


def start_ms(capture: cv2.VideoCapture) -> float | None:
    """Return the stream's own time of the frame at hand, to the nearest frame period, if known."""
    # CAP_PROP_PTS counts in frame periods and is -2**63 where the rate is unknown.
    periods = capture.get(cv2.CAP_PROP_PTS)
    rate = capture.get(cv2.CAP_PROP_FPS)
    known = rate >= 1000 / _LONGEST_PERIOD_MS and abs(periods) < 2**53
    return round(1000 * periods / rate, 3) if known else None
