"""When failed grabs are the end of a video, and not damage on the way.

OpenCV says the same of both: https://github.com/opencv/opencv/issues/29722
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2

if TYPE_CHECKING:
    from pipeline.stream import GuardedStream

# So many in a row are the end; they take 0.3 s, so fewer will do once all was read, and as much
# tried as there should be.
_FAILED_GRABS_AT_END = 10_000
_FAILED_GRABS_BEYOND_CLAIM = 200


def is_end(capture: cv2.VideoCapture, stream: GuardedStream, failed: int, tried: int) -> bool:
    """Tell whether so many failed grabs in a row, after so many others, are the end.

    Args:
        capture: of frames or of packets.
        stream: that it reads.
        failed: grabs that failed since the last that did not.
        tried: grabs before those, good and bad.
    """
    if failed < _FAILED_GRABS_BEYOND_CLAIM or not stream.is_read_to_end:
        return failed >= _FAILED_GRABS_AT_END
    beyond = tried + failed - capture.get(cv2.CAP_PROP_FRAME_COUNT)
    return failed >= _FAILED_GRABS_AT_END or beyond >= _FAILED_GRABS_BEYOND_CLAIM
